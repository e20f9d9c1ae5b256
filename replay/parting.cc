// A binary search over roots, and a walk over pages.
#include "replay/parting.h"

#include <algorithm>

namespace rollcall::replay {

std::string_view name_of(Parting parting) {
  switch (parting) {
    case Parting::Equal:
      return "equal";
    case Parting::FirstGoesOn:
      return "a_goes_on";
    case Parting::SecondGoesOn:
      return "b_goes_on";
    case Parting::Parted:
      return "parted";
  }
  return "parted";
}

Result<Parted> where_parted(const LogRoots& a, const LogRoots& b) {
  const auto same = [&](Seq size) -> Result<bool> {
    const auto of_a = a.root(size);
    if (!of_a) return of_a.error();
    const auto of_b = b.root(size);
    if (!of_b) return of_b.error();
    return *of_a == *of_b;
  };
  const Seq both = std::min(a.events, b.events);
  // The first `low` are the same; the first `high` + 1 are not.
  Seq low = 0, high = both;
  while (low < high) {
    const Seq size = low == 0 && high == both ? both : low + (high - low + 1) / 2;
    const auto is = same(size);
    if (!is) return is.error();
    if (*is)
      low = size;
    else
      high = size - 1;
  }
  Parted out;
  out.common = low;
  out.how = low < both             ? Parting::Parted
            : a.events == b.events ? Parting::Equal
            : a.events > b.events  ? Parting::FirstGoesOn
                                   : Parting::SecondGoesOn;
  return out;
}

std::optional<StatesDiffer> where_states_differ(const engine::State& a, const engine::State& b) {
  std::optional<StatesDiffer> out;
  std::vector<std::uint8_t> of_a, of_b;
  const auto write = [](const engine::State& state, std::uint32_t page,
                        std::vector<std::uint8_t>& into) {
    into.clear();
    if (page < engine::page_count(state)) engine::write_page(state, page, into);
  };
  const auto record = [](const engine::State& state, UserNumber n,
                         std::vector<std::uint8_t>& into) {
    into.clear();
    if (n < state.users.size()) engine::write_user(state, n, into);
  };
  const std::uint32_t pages = std::max(engine::page_count(a), engine::page_count(b));
  for (std::uint32_t page = 0; page < pages; ++page) {
    write(a, page, of_a);
    write(b, page, of_b);
    if (of_a == of_b) continue;
    if (!out) out = StatesDiffer{page, {}};
    for (std::uint32_t i = page == 0 ? 1 : 0; i < engine::kUsersPerPage; ++i) {
      const UserNumber n = page * engine::kUsersPerPage + i;
      record(a, n, of_a);
      record(b, n, of_b);
      if (of_a != of_b) out->users.push_back(n);
    }
  }
  return out;
}

}  // namespace rollcall::replay
