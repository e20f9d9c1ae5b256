// rollcall subject export: all that is held about a person, as JSON.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/people.h"
#include "replay/question/export.h"

#include <fmt/format.h>

namespace rollcall::cli {

void add_subject(Command& root) {
  auto person = std::make_shared<Person>();
  Command subject = root.command("subject", "what is held about a person");
  Command exporting = subject.command("export", "all of it, as JSON");
  person->declare(exporting, "the user's name");
  exporting.formats({"short", "json"});
  exporting.examples("  rollcall subject export ada > ada.json");
  exporting.run([person](Context& context) {
    const auto whom = person->whom();
    const auto all = ask(context, replay::SubjectQuestion{whom.name, whom.number});
    fmt::print("{}\n", json_text(replay::write_value(all)));
    return 0;
  });
}

}  // namespace rollcall::cli
