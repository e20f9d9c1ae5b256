// What a bundle may hold at all: every file and every fact of it is one that a check reads.
#pragma once

#include "replay/bundle.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace rollcall::replay {

/// A line each: the fact's name, a space, its value; each known and there once. BadInput if it is
/// another format's list.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_facts(std::string_view text);
/// A file's name for a sentence: not all of what a stranger may have made up.
[[nodiscard]] std::string shown_name(const std::string& name);

/// Tampered unless `asked` was the last event at the moment: it is not later, the next one and all
/// that follow are, and so is the state digest that pins the chain. `headers`: ascending by seq.
[[nodiscard]] Result<void> moment_holds(const std::vector<Header>& headers, Seq asked, Seq digest,
                                        Micros moment);
/// Tampered if there is a file that no bundle has. `complete`: the bundle's fact of that name.
/// `not_covered` hears of what may be there and is proved by nothing.
[[nodiscard]] Result<void> no_strangers(const BundleFiles& files, const std::string& complete,
                                        const std::function<void(const std::string&)>& not_covered);

}  // namespace rollcall::replay
