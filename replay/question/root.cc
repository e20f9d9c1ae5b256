// Of the tree's stored nodes and the newest events.
#include "replay/question/root.h"

#include "replay/question/presence.h"

namespace rollcall::replay::inline question {

Result<RootQuestion::Summary> answer(const Desk& desk, const RootQuestion& q,
                                     const RowSink<NoRow>&) {
  const Reader& reader = *desk.reader;
  RootQuestion::Summary out;
  out.origin = reader.log().origin();
  out.events = reader.last();
  out.size = q.size.value_or(reader.last());
  if (out.size > reader.last())
    return Error{Errc::NotFound, fmt::format("the log has {} events", reader.last())};
  auto root = root_text(reader, out.size);
  if (!root) return root.error();
  out.root = std::move(*root);
  return out;
}

}  // namespace rollcall::replay::inline question
