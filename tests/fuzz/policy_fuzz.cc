// Policy files: what parses renders to a policy that says the same.
#include "store/tlog/policy.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall::store;
  const auto policy = parse_policy_file({reinterpret_cast<const char*>(data), size});
  if (!policy) return 0;
  const std::string text = render(*policy);
  const auto again = parse_policy_file(text);
  if (!again || render(*again) != text) std::abort();
  (void)policy->judge(note::Note{});
  return 0;
}
