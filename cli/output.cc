// Tables, JSON, CSV, and progress.
#include "cli/output.h"

#include "cli/columns.h"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

namespace rollcall::cli {
namespace json = boost::json;
namespace {

std::string cell(const json::value* v) {
  if (v == nullptr || v->is_null()) return "";
  if (v->is_string()) return std::string(v->get_string());
  return json::serialize(*v);
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

std::string json_text(const json::value& value) {
  return store::printable_json(json::serialize(value));
}

bool machine_output(const Context& context) {
  return context.output != "short" && context.output != "wide" && context.output != "cat";
}

Rows::Rows(const Context& context, std::vector<std::string> columns, std::FILE* out)
    : out_(out),
      format_(context.output),
      columns_(std::move(columns)),
      fields_(split_list(context.fields)) {
  if (!fields_.empty()) columns_ = fields_;
}

void Rows::begin() {
  if (std::exchange(begun_, true)) return;
  if (format_ == "json") std::fputs("[", out_);
  if (format_ == "csv") {
    std::string head;
    for (const auto& c : columns_) head += (head.empty() ? "" : ",") + csv_cell(c);
    std::fputs((head + "\r\n").c_str(), out_);
  }
}

void Rows::print(const json::object& row) {
  json::object chosen;
  if (fields_.empty())
    chosen = row;
  else
    for (const auto& f : fields_) chosen[f] = row.contains(f) ? row.at(f) : json::value(nullptr);
  const std::string text = json_text(chosen);
  if (format_ == "json") std::fputs(first_ ? "\n" : ",\n", out_);
  std::fwrite(text.data(), 1, text.size(), out_);
  if (format_ != "json") std::fputc('\n', out_);
  first_ = false;
}

void Rows::add(json::object row) {
  begin();
  if (format_ == "csv") {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i)
      line += (i == 0 ? "" : ",") + csv_cell(cell(row.if_contains(columns_[i])));
    // On a terminal a value shows what it holds; in a file it is what it is.
    static const bool terminal = ::isatty(STDOUT_FILENO) == 1;
    if (terminal && out_ == stdout) line = printable(line, store::LineEnds::Kept);
    line += "\r\n";
    std::fwrite(line.data(), 1, line.size(), out_);
  } else if (format_ == "short" || format_ == "wide" || format_ == "cat") {
    constexpr std::size_t kHeldMost = 1000;
    held_.push_back(std::move(row));
    if (held_.size() == kHeldMost) flush();
  } else {
    print(row);
  }
}

void Rows::add_facts(const std::string& name, const json::object& facts) {
  if (format_ != "json" && format_ != "ndjson") return;
  if (!fields_.empty() && std::find(fields_.begin(), fields_.end(), name) == fields_.end()) return;
  begin();
  const std::string text = json_text(format_ == "json" ? json::object{{name, facts}} : facts);
  if (format_ == "json") std::fputs(first_ ? "\n" : ",\n", out_);
  std::fwrite(text.data(), 1, text.size(), out_);
  if (format_ != "json") std::fputc('\n', out_);
  first_ = false;
}

void Rows::put(const std::vector<std::string>& line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    out += padded(line[i], widths_[i]);
    if (i + 1 < line.size()) out += "  ";
  }
  while (out.ends_with(' ')) out.pop_back();
  out += '\n';
  std::fwrite(out.data(), 1, out.size(), out_);
}

void Rows::flush() {
  begin();
  if (held_.empty()) return;
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : held_) {
    cells.emplace_back();
    for (const auto& column : columns_)
      cells.back().push_back(printable(cell(row.if_contains(column))));
  }
  if (widths_.empty()) {
    std::vector<std::string> head;
    for (const auto& c : columns_) {
      head.emplace_back();
      for (const char ch : c)
        head.back() +=
            ch == '_' ? ' ' : static_cast<char>(std::toupper(static_cast<unsigned char>(ch)));
      widths_.push_back(columns_of(head.back()));
    }
    for (const auto& line : cells)
      for (std::size_t i = 0; i < line.size(); ++i)
        widths_[i] = std::max(widths_[i], std::min<std::size_t>(columns_of(line[i]), 80));
    if (format_ != "cat") put(head);
  }
  for (const auto& line : cells) put(line);
  held_.clear();
}

void Rows::finish() {
  begin();
  if (format_ == "json") std::fputs(first_ ? "]\n" : "\n]\n", out_);
  flush();
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
