// SVG, made of strings.
#include "cli/report_picture.h"

#include "replay/time_text.h"
#include "store/bytes/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace rollcall::cli {
namespace {

using engine::Micros;

constexpr double kWidth = 960, kMargin = 16, kTop = 56, kRow = 20;
constexpr std::size_t kRowsMost = 60;     // what still fits a screen or a sheet
constexpr std::size_t kPointsMost = 900;  // a column of pixels each
constexpr std::size_t kLabelMost = 28;    // characters beside a bar

constexpr std::string_view kStyle =
    "svg{--paper:#fff;--ink:#1c2024;--faint:#667;--line:#d5d9de;--online:#1f8a4c;--away:#d9a021;"
    "--unknown:#9aa0a8}"
    "@media(prefers-color-scheme:dark){svg{--paper:#16181c;--ink:#e6e8ea;--faint:#9aa3ad;"
    "--line:#3a3f46;--online:#3fb873;--away:#e0b04a;--unknown:#6b727b}}"
    "@media print{svg{--paper:#fff;--ink:#000;--faint:#444;--line:#bbb;--online:#1f8a4c;"
    "--away:#d9a021;--unknown:#9aa0a8}}"
    "text{font:12px system-ui,sans-serif;fill:var(--ink)}.head{font-size:16px;font-weight:600}"
    ".faint{fill:var(--faint)}.end{text-anchor:end}.mid{text-anchor:middle}"
    ".paper{fill:var(--paper)}.line{stroke:var(--line);fill:none}.online{fill:var(--online)}"
    ".away{fill:var(--away)}.unknown{fill:var(--unknown)}";

/// The parts of a drawing, and how high it has become.
struct Drawing {
  std::string body;
  double height = kTop;

  void rect(std::string_view kind, double x, double y, double w, double h, std::string_view tip) {
    if (w <= 0 || h <= 0) return;
    body += fmt::format(
        "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
        "height=\"{:.1f}\">",
        kind, x, y, std::max(w, 0.5), h);
    if (!tip.empty()) body += fmt::format("<title>{}</title>", xml_text(tip));
    body += "</rect>\n";
  }
  void text(std::string_view kind, double x, double y, std::string_view what) {
    body += fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", kind, x, y,
                        xml_text(what));
  }
  void line(double x1, double y1, double x2, double y2) {
    body += fmt::format(
        "<line class=\"line\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" "
        "y2=\"{:.1f}\"/>\n",
        x1, y1, x2, y2);
  }
  /// What the colours mean.
  void legend(std::initializer_list<std::pair<std::string_view, std::string_view>> kinds) {
    double x = kMargin;
    for (const auto& [kind, words] : kinds) {
      rect(kind, x, 36, 10, 10, "");
      text("faint", x + 15, 45, words);
      x += 30 + 7.0 * static_cast<double>(words.size());
    }
  }
};

/// 1, 2 or 5 times a power of ten: at most five steps up to `most`.
double step_of(double most) {
  if (!(most > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(most / 5)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (most / (factor * power) <= 5) return factor * power;
  return 10 * power;
}

std::string shortened(std::string_view text) {
  std::string out = store::printable(text);
  std::size_t characters = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if ((static_cast<unsigned char>(out[i]) & 0xC0U) == 0x80U) continue;  // within a character
    if (++characters > kLabelMost) return out.substr(0, i) + "…";
  }
  return out;
}

/// Those of the rows that are drawn: the first ones in the order of `size`, but in their own order.
template <class T, class Size>
std::vector<const T*> largest(const std::vector<T>& rows, const Size& size) {
  std::vector<const T*> out;
  for (const T& row : rows) out.push_back(&row);
  if (out.size() <= kRowsMost) return out;
  std::stable_sort(out.begin(), out.end(),
                   [&](const T* a, const T* b) { return size(*a) > size(*b); });
  out.resize(kRowsMost);
  std::sort(out.begin(), out.end());
  return out;
}

void say_left_out(Drawing& d, std::size_t shown, std::size_t all) {
  if (shown >= all) return;
  d.height += 8;
  d.text("faint", kMargin, d.height + 8,
         fmt::format("the {} longest of {}; the numbers have them all", shown, all));
  d.height += kRow;
}

void time_axis(Drawing& d, const replay::TimeZone& zone, Micros from, Micros to, double left,
               double right, double y) {
  constexpr int kTicks = 6;
  constexpr Micros kTwoDays = Micros{2} * 86'400 * 1'000'000;
  d.line(left, y, right, y);
  for (int i = 0; i < kTicks; ++i) {
    const double part = static_cast<double>(i) / (kTicks - 1);
    const auto at = from + static_cast<Micros>(static_cast<double>(to - from) * part);
    const std::string words = replay::short_time(at, zone);
    const double x = left + (right - left) * part;
    d.line(x, y, x, y + 4);
    d.text(i == 0            ? "faint"
           : i + 1 == kTicks ? "faint end"
                             : "faint mid",
           x, y + 17, to - from > kTwoDays ? words.substr(0, 10) : words.substr(5, 11));
  }
}

void draw(Drawing& d, const Picture&, const Bars& bars) {
  const auto length = [](const Bars::Bar& b) { return b.online + b.away + b.unknown; };
  const auto shown = largest(bars.bars, length);
  double most = 0;
  for (const auto* bar : shown) most = std::max(most, length(*bar));
  d.legend({{"online", "online"}, {"away", "away"}, {"unknown", "unknown: nobody watched"}});
  constexpr double kLeft = 220, kRight = kWidth - 90;
  const double scale = most > 0 ? (kRight - kLeft) / most : 0;
  for (const auto* bar : shown) {
    const double y = d.height;
    d.text("end", kLeft - 8, y + 13, shortened(bar->label));
    double x = kLeft;
    for (const auto& [kind, hours] :
         {std::pair{"online", bar->online}, {"away", bar->away}, {"unknown", bar->unknown}}) {
      d.rect(kind, x, y + 2, hours * scale, kRow - 5, fmt::format("{}: {:.2f} h", kind, hours));
      x += hours * scale;
    }
    d.text("faint", x + 6, y + 13, fmt::format("{:.1f} h", length(*bar)));
    d.height += kRow;
  }
  say_left_out(d, shown.size(), bars.bars.size());
}

/// Neighbours put together until there is a point a pixel: the mean over their time.
std::vector<Curve::Point> thinned(const std::vector<Curve::Point>& points) {
  const std::size_t each = points.size() / kPointsMost + 1;
  std::vector<Curve::Point> out;
  for (std::size_t i = 0; i < points.size(); i += each) {
    Curve::Point sum = points[i];
    double online = 0, away = 0, length = 0;
    for (std::size_t k = i; k < std::min(points.size(), i + each); ++k) {
      sum.to = points[k].to;
      if (!points[k].online || !points[k].away) continue;
      const auto part = static_cast<double>(points[k].to - points[k].from);
      online += *points[k].online * part;
      away += *points[k].away * part;
      length += part;
    }
    sum.online = sum.away = std::nullopt;
    if (length > 0) {
      sum.online = online / length;
      sum.away = away / length;
    }
    out.push_back(sum);
  }
  return out;
}

void draw(Drawing& d, const Picture& picture, const Curve& curve) {
  d.legend({{"online", "online"}, {"away", "away, on top"}, {"unknown", "nobody watched"}});
  if (curve.points.empty()) return;
  const auto points = thinned(curve.points);
  const Micros from = points.front().from, to = points.back().to;
  double most = 0;
  for (const auto& p : points) most = std::max(most, p.online.value_or(0) + p.away.value_or(0));
  constexpr double kLeft = 64, kRight = kWidth - kMargin, kHigh = 240;
  const double bottom = d.height + kHigh, scale = most > 0 ? kHigh / most : 0;
  const auto x_of = [&](Micros at) {
    return kLeft + (kRight - kLeft) * static_cast<double>(at - from) /
                       static_cast<double>(std::max<Micros>(1, to - from));
  };
  for (double value = 0; most > 0 && value <= most; value += step_of(most)) {
    d.line(kLeft, bottom - value * scale, kRight, bottom - value * scale);
    d.text("faint end", kLeft - 6, bottom - value * scale + 4, fmt::format("{:g}", value));
  }
  for (const auto& p : points) {
    const double x = x_of(p.from), w = x_of(p.to) - x;
    if (!p.online || !p.away) {
      d.rect("unknown", x, bottom - kHigh, w, kHigh, "nobody watched");
      continue;
    }
    const double online = *p.online * scale, away = *p.away * scale;
    const std::string tip =
        fmt::format("{}: {:.2f} online, {:.2f} away", replay::short_time(p.from, picture.zone),
                    *p.online, *p.away);
    d.rect("online", x, bottom - online, w, online, tip);
    d.rect("away", x, bottom - online - away, w, away, tip);
  }
  time_axis(d, picture.zone, from, to, kLeft, kRight, bottom);
  d.height = bottom + 2 * kRow;
}

void draw(Drawing& d, const Picture&, const Grid& grid) {
  constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  constexpr double kLeft = 64, kCell = (kWidth - kLeft - kMargin) / 24, kHigh = 30;
  double most = 0;
  for (const auto& hour : grid.hours) most = std::max(most, hour.value_or(0));
  d.legend({{"online", fmt::format("people online on average, up to {:.2f}", most)},
            {"unknown", "nobody watched"}});
  for (std::size_t h = 0; h < 24; h += 3)
    d.text("faint mid", kLeft + kCell * (static_cast<double>(h) + 0.5), d.height + 10,
           fmt::format("{:02}", h));
  d.height += kRow;
  for (std::size_t day = 0; day < kDays.size(); ++day) {
    d.text("end", kLeft - 8, d.height + kHigh / 2 + 4, kDays[day]);
    for (std::size_t h = 0; h < 24; ++h) {
      const auto& value = grid.hours[day * 24 + h];
      const double x = kLeft + kCell * static_cast<double>(h);
      const std::string tip = value
                                  ? fmt::format("{} {:02}:00: {:.2f} online", kDays[day], h, *value)
                                  : fmt::format("{} {:02}:00: nobody watched", kDays[day], h);
      const double strength = value && most > 0 ? *value / most : value ? 0 : 0.35;
      d.body += fmt::format(
          "<rect class=\"{}\" fill-opacity=\"{:.3f}\" stroke=\"var(--line)\" x=\"{:.1f}\" "
          "y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"><title>{}</title></rect>\n",
          value ? "online" : "unknown", strength, x, d.height, kCell - 1, kHigh - 1, xml_text(tip));
    }
    d.height += kHigh;
  }
}

void draw(Drawing& d, const Picture& picture, const Lanes& lanes) {
  const auto length = [](const Lanes::Lane& lane) {
    double out = 0;
    for (const auto& stay : lane.stays) out += static_cast<double>(stay.to - stay.from);
    return out;
  };
  const auto shown = largest(lanes.lanes, length);
  d.legend({{"online", "from when to when"}, {"unknown", "end not known"}});
  constexpr double kLeft = 220, kRight = kWidth - kMargin;
  const double scale =
      (kRight - kLeft) / static_cast<double>(std::max<Micros>(1, lanes.to - lanes.from));
  const auto x_of = [&](Micros at) {
    return kLeft + static_cast<double>(std::clamp(at, lanes.from, lanes.to) - lanes.from) * scale;
  };
  for (const auto* lane : shown) {
    d.text("end", kLeft - 8, d.height + 13, shortened(lane->label));
    double drawn_to = 0;  // what ends in a pixel that is full adds nothing to see
    for (const auto& stay : lane->stays) {
      const double x = x_of(stay.from), end = std::max(x_of(stay.to), x + 0.5);
      if (end <= drawn_to) continue;
      drawn_to = end;
      d.rect(stay.known_to_end ? "online" : "unknown", x, d.height + 3, end - x, kRow - 7,
             fmt::format("{} to {}", replay::short_time(stay.from, picture.zone),
                         replay::short_time(stay.to, picture.zone)));
    }
    d.height += kRow;
  }
  time_axis(d, picture.zone, lanes.from, lanes.to, kLeft, kRight, d.height + 4);
  d.height += 2 * kRow;
  say_left_out(d, shown.size(), lanes.lanes.size());
}

}  // namespace

std::string xml_text(std::string_view text) {
  std::string out, shown = store::printable(text);
  // What is no character of XML 1.0 and is none that hides itself: U+FFFE and U+FFFF.
  for (const std::string_view wrong : {"\xEF\xBF\xBE", "\xEF\xBF\xBF"})
    for (std::size_t at = 0; (at = shown.find(wrong, at)) != std::string::npos;)
      shown.replace(at, wrong.size(), "\xEF\xBF\xBD");
  for (const char c : shown) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string svg_of(const Picture& picture) {
  Drawing d;
  std::visit([&](const auto& what) { draw(d, picture, what); }, picture.what);
  const double height = d.height + kMargin;
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
             "width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\" "
             "aria-labelledby=\"report-title report-text\">\n<title id=\"report-title\">{2}"
             "</title>\n<desc id=\"report-text\">{3}</desc>\n<style>{4}</style>\n"
             "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n"
             "<text class=\"head\" x=\"{5:.0f}\" y=\"24\">{2}</text>\n",
             kWidth, height, xml_text(picture.title + ", " + picture.range),
             xml_text(picture.description), kStyle, kMargin) +
         d.body + "</svg>\n";
}

}  // namespace rollcall::cli
