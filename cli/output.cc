// Tables, JSON, CSV, and progress.
#include "cli/output.h"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace rollcall::cli {
namespace json = boost::json;
namespace {

std::string cell(const json::value* v) {
  if (v == nullptr || v->is_null()) return "";
  if (v->is_string()) return std::string(v->get_string());
  return json::serialize(*v);
}

/// Code points, near enough to columns for names and times.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", c);
    } else if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[++i]));
    } else if (c == 0xE2 && i + 2 < text.size()) {  // U+200E-200F, U+2028-202E, U+2066-2069
      const unsigned cp = 0x2000U | ((static_cast<unsigned char>(text[i + 1]) & 0x3FU) << 6) |
                          (static_cast<unsigned char>(text[i + 2]) & 0x3FU);
      if (cp == 0x200E || cp == 0x200F || (cp >= 0x2028 && cp <= 0x202E) ||
          (cp >= 0x2066 && cp <= 0x2069)) {
        out += fmt::format("\\u{:04x}", cp);
        i += 2;
      } else {
        out += text[i];
      }
    } else {
      out += text[i];
    }
  }
  return out;
}

bool machine_output(const Context& context) {
  return context.output != "short" && context.output != "wide" && context.output != "cat";
}

Rows::Rows(const Context& context, std::vector<std::string> columns)
    : format_(context.output), columns_(std::move(columns)) {
  std::string field;
  for (const char c : context.fields + ",") {
    if (c != ',')
      field += c;
    else if (!field.empty())
      fields_.push_back(std::exchange(field, {}));
  }
  if (!fields_.empty()) columns_ = fields_;
  if (format_ == "json") std::fputs("[", stdout);
  if (format_ == "csv") {
    std::string head;
    for (const auto& c : columns_) head += (head.empty() ? "" : ",") + csv_cell(c);
    std::fputs((head + "\r\n").c_str(), stdout);
  }
}

void Rows::print(const json::object& row) {
  json::object chosen;
  if (fields_.empty())
    chosen = row;
  else
    for (const auto& f : fields_) chosen[f] = row.contains(f) ? row.at(f) : json::value(nullptr);
  const std::string text = json::serialize(chosen);
  if (format_ == "json") std::fputs(first_ ? "\n" : ",\n", stdout);
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (format_ != "json") std::fputc('\n', stdout);
  first_ = false;
}

void Rows::add(json::object row) {
  if (format_ == "csv") {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i)
      line += (i == 0 ? "" : ",") + csv_cell(cell(row.if_contains(columns_[i])));
    line += "\r\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
  } else if (format_ == "short" || format_ == "wide" || format_ == "cat") {
    held_.push_back(std::move(row));
  } else {
    print(row);
  }
}

void Rows::finish() {
  if (format_ == "json") std::fputs(first_ ? "]\n" : "\n]\n", stdout);
  if (held_.empty()) return;
  std::vector<std::vector<std::string>> cells;
  std::vector<std::size_t> widths;
  std::vector<std::string> head;
  for (const auto& c : columns_) {
    std::string upper;
    for (const char ch : c)
      upper += ch == '_' ? ' ' : static_cast<char>(std::toupper(static_cast<unsigned char>(ch)));
    head.push_back(upper);
    widths.push_back(width(upper));
  }
  for (const auto& row : held_) {
    std::vector<std::string> line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      line.push_back(printable(cell(row.if_contains(columns_[i]))));
      widths[i] = std::max(widths[i], std::min<std::size_t>(width(line.back()), 80));
    }
    cells.push_back(std::move(line));
  }
  const auto put = [&](const std::vector<std::string>& line) {
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
      out += line[i];
      if (i + 1 < line.size())
        out.append(widths[i] > width(line[i]) ? widths[i] - width(line[i]) + 2 : 2, ' ');
    }
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
    std::fwrite(out.data(), 1, out.size(), stdout);
  };
  if (format_ != "cat") put(head);
  for (const auto& line : cells) put(line);
  held_.clear();
}

ProgressBar::ProgressBar(const Context& context, std::string what)
    : what_(std::move(what)),
      enabled_(!context.quiet && ::isatty(STDERR_FILENO) == 1),
      started_us_(now_us()) {}

ProgressBar::~ProgressBar() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

void ProgressBar::update(std::uint64_t done, std::uint64_t all) {
  if (!enabled_ || all == 0) return;
  const std::int64_t now = now_us();
  // Shown from the second second on, ten times a second: what is quick needs no bar.
  if (now - started_us_ < 1'000'000 || now - last_us_ < 100'000) return;
  last_us_ = now;
  shown_ = true;
  const auto filled = static_cast<std::size_t>(30 * done / all);
  std::fprintf(stderr, "\r%s [%s%s] %3d%%", what_.c_str(), std::string(filled, '#').c_str(),
               std::string(30 - filled, '.').c_str(), static_cast<int>(100 * done / all));
  std::fflush(stderr);
}

}  // namespace rollcall::cli
