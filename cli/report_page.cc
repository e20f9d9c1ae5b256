// HTML, made of strings.
#include "cli/report_page.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::cli {
namespace {

constexpr std::size_t kLinesMost = 20'000;  // a browser still shows them

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark;--ink:#1c2024;--paper:#fff;--line:#d5d9de;--faint:#667}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e8ea;--paper:#16181c;--line:#3a3f46;"
    "--faint:#9aa3ad}}"
    "body{font:14px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);"
    "margin:2em auto;max-width:62em;padding:0 1em}h1{font-size:1.4em}"
    "svg{max-width:100%;height:auto}ul{padding-left:1.2em}"
    "table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid var(--line);"
    "padding:.25em .6em;text-align:left;font-variant-numeric:tabular-nums}"
    "footer{margin-top:2em;border-top:2px solid var(--line);color:var(--faint)}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere}"
    "@page{margin:1.5cm}@media print{:root{--ink:#000;--paper:#fff;--line:#bbb;--faint:#333}"
    "body{margin:0;max-width:none}thead{display:table-header-group}tr,svg,pre{break-inside:avoid}}";

std::string foot_of(const ReportPage& page) {
  std::string out = fmt::format("<p>Counted from the first {} events of the log.", page.upto);
  if (page.note.empty())
    return out +
           " Unsigned: no checkpoint of this log was ever signed, so nothing proves that its "
           "history is the one that happened.</p>\n";
  if (page.signed_size >= page.upto)
    out += fmt::format(" The newest signed checkpoint is of {} events and covers all of them:",
                       page.signed_size);
  else
    out += fmt::format(" The newest signed checkpoint is of {} events; the last {} are not signed:",
                       page.signed_size, page.upto - page.signed_size);
  std::string note;  // line by line, as it is signed
  for (std::size_t at = 0; at < page.note.size();) {
    const std::size_t end = std::min(page.note.find('\n', at), page.note.size());
    note += xml_text(std::string_view(page.note).substr(at, end - at)) + '\n';
    at = end + 1;
  }
  return out + "</p>\n<pre>" + note +
         "</pre>\n<p><code>rollcall verify --full --replay</code> checks the log against it."
         "</p>\n";
}

}  // namespace

std::string html_of(const ReportPage& page) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width\"/>\n<title>{}</title>\n"
      "<style>{}</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n<ul>\n",
      xml_text(page.picture.title + ", " + page.picture.range), kStyle,
      xml_text(page.picture.title));
  for (const auto& fact : page.facts) out += fmt::format("<li>{}</li>\n", xml_text(fact));
  out += "</ul>\n" + svg_of(page.picture) + "<table>\n<thead><tr>";
  for (std::string name : page.head) {
    std::replace(name.begin(), name.end(), '_', ' ');
    out += fmt::format("<th scope=\"col\">{}</th>", xml_text(name));
  }
  out += "</tr></thead>\n<tbody>\n";
  const std::size_t shown = std::min(page.lines.size(), kLinesMost);
  for (std::size_t i = 0; i < shown; ++i) {
    out += "<tr>";
    for (const auto& cell : page.lines[i]) out += fmt::format("<td>{}</td>", xml_text(cell));
    out += "</tr>\n";
  }
  out += "</tbody>\n</table>\n";
  if (shown < page.lines.size())
    out += fmt::format("<p>The first {} of {} rows; the format csv has them all.</p>\n", shown,
                       page.lines.size());
  return out + "</main>\n<footer>\n" + foot_of(page) + "</footer>\n</body>\n</html>\n";
}

}  // namespace rollcall::cli
