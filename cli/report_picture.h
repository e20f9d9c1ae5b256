// A report as a picture, whatever it is drawn on.
//
// Why this file exists: the numbers of five reports come down to four pictures. A command fills one
// in; SVG is made of it here, and the page embeds that.
#pragma once

#include "replay/time_zone.h"

#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace rollcall::cli {

/// Hours, one bar each.
struct Bars {
  struct Bar {
    std::string label;
    double online = 0, away = 0, unknown = 0;
  };
  std::vector<Bar> bars;
};

/// How many were here over time; nothing where nobody watched.
struct Curve {
  struct Point {
    engine::Micros from = 0, to = 0;
    std::optional<double> online, away;
  };
  std::vector<Point> points;
};

/// The hours of the week from Monday's first: people on average.
struct Grid {
  std::array<std::optional<double>, 168> hours;
};

/// Stays over time, a lane for each person or place.
struct Lanes {
  struct Stay {
    engine::Micros from = 0, to = 0;
    bool known_to_end = true;
  };
  struct Lane {
    std::string label;
    std::vector<Stay> stays;
  };
  engine::Micros from = 0, to = 0;
  std::vector<Lane> lanes;
};

struct Picture {
  std::string title, range;
  std::string description;  ///< what the numbers say, for who cannot see it
  replay::TimeZone zone;
  std::variant<Bars, Curve, Grid, Lanes> what;
};

/// Text inside of XML: names may hold anything.
[[nodiscard]] std::string xml_text(std::string_view text);
/// A whole document of its own, in light and dark. Pictures too large to be read are cut down to
/// their largest parts, and say so.
[[nodiscard]] std::string svg_of(const Picture& picture);

}  // namespace rollcall::cli
