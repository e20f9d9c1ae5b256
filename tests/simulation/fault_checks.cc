// What must hold after every step, after every crash and at the end of a life.
#include "store/log/codec.h"
#include "store/log/history.h"
#include "store/log/state_digest.h"
#include "tests/simulation/fault_life.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::test {

using namespace store;
using engine::Header;
using engine::Kind;

namespace {

std::string in_words(const Header& h) {
  return fmt::format("{} {} of #{} session {} at {} (a {} b {} c {} d {} flags {})",
                     engine::name_of(h.kind), engine::name_of(h.cause), h.user, h.session, h.at,
                     h.a, h.b, h.c, h.d, h.flags & 0x0FFF);
}

/// Everything but the body's fields, which are sealed.
bool same_event(const Header& x, const Header& y) {
  constexpr auto kOwn = static_cast<std::uint16_t>((1U << engine::flag::kDictionaryShift) - 1);
  return x.kind == y.kind && x.cause == y.cause && (x.flags & kOwn) == (y.flags & kOwn) &&
         x.user == y.user && x.seq == y.seq && x.at == y.at && x.session == y.session &&
         x.prev == y.prev && x.a == y.a && x.b == y.b && x.c == y.c && x.d == y.d &&
         (x.kind != Kind::StateDigest || x.digest == y.digest);
}

}  // namespace

void FaultLife::is_as_foreseen(const Header& event) const {
  if (event.seq == 0 || event.seq > story_.size())
    wrong(fmt::format("event {} was not to be: {}", event.seq, in_words(event)));
  const Header& foreseen = story_[event.seq - 1];
  if (!same_event(event, foreseen))
    wrong(fmt::format("event {} is {}, should be {}", event.seq, in_words(event),
                      in_words(foreseen)));
}

void FaultLife::agree() {
  for (const engine::Sequenced& event : writer_->staged_so_far()) {
    const Header& is = event.header;
    if (is.seq <= compared_) continue;
    is_as_foreseen(is);
    compared_ = is.seq;
  }
  if (writer_->state().seq != known_.model.last())
    wrong(fmt::format("event {} is missing: {}", writer_->state().seq + 1,
                      in_words(story_[writer_->state().seq])));
  if (const auto what = known_.model.difference(writer_->state()); !what.empty()) wrong(what);
}

void FaultLife::check_acknowledged(const EventLog& log) const {
  Seq at = 0;
  log.scan(1, written_.size(),
           [&](const Header& h, ByteView) {
             if (!(h == written_[at])) wrong(fmt::format("event {} is another one", h.seq));
             ++at;
             return true;
           })
      .value();
  for (const auto& [seq, sealed] : sealed_)
    if (log.body(seq).value() != sealed) wrong(fmt::format("event {} has another body", seq));
  for (const Request& request : answered_)
    if (log.meta("request/" + request.key).value() != std::to_string(request.seq))
      wrong("request " + request.key + " was answered and is forgotten");
}

void FaultLife::check_whole() {
  const EventLog& log = writer_->log();
  Fold fold;
  fold.advance(log, log.last()).value();
  const Hash digest = digest_of(known_.model.as_state());
  if (digest_of(fold.state) != digest) wrong("the fold of the log is not the model's state");
  if (digest_of(writer_->state()) != digest) wrong("the writer's state is not the model's");
  merkle::CompactRange tree;
  std::vector<Header> headers;
  log.scan(1, log.last(),
           [&](const Header& h, ByteView leaf) {
             tree.append(merkle::leaf_hash(leaf));
             headers.push_back(h);
             return true;
           })
      .value();
  if (tree.root() != log.root()) wrong("the log's root is not that of its events");
  BodyOpener opener(writer_->vault(), layout_.app);
  for (const Header& h : headers) {
    const OpenedBody opened = opener.open(h, log.body(h.seq).value());
    const auto said = bodies_.find(h.seq);
    const bool forgotten = h.user != 0 && known_.model.people().at(h.user).erased;
    const BodyState state = said == bodies_.end() ? BodyState::None
                            : forgotten           ? BodyState::Shredded
                                                  : BodyState::Open;
    if (opened.state != state || (state == BodyState::Open && opened.body != said->second))
      wrong(fmt::format("event {} ({}) has a body that is {}, should be {}", h.seq, in_words(h),
                        name_of(opened.state), name_of(state)));
  }
  for (std::size_t from = 0; from < headers.size(); from += kRecordHeadersMax) {
    const std::span some(headers.data() + from, std::min(kRecordHeadersMax, headers.size() - from));
    const Bytes record = encode_record(some);
    const auto view = RecordView::open(record).value();
    for (std::size_t i = 0; i < some.size(); ++i)
      if (!(view.header(i) == some[i])) wrong(fmt::format("event {} as a record", some[i].seq));
  }
  std::size_t named = 1;  // the app itself
  for (engine::UserNumber n = 1; n < known_.names.size(); ++n) {
    const bool forgotten = known_.model.people().at(n).erased;
    if (writer_->vault().name_of(n).value_or("") != known_.names[n])
      wrong(fmt::format("the name of #{}", n));
    if (writer_->vault().erased(n) != forgotten) wrong(fmt::format("whether #{} is erased", n));
    if (!forgotten) ++named;
  }
  if (writer_->vault().users() != named) wrong("the vault knows too many");
}

Hash FaultLife::fingerprint() {
  Bytes all;
  const auto add = [&](ByteView bytes) {
    put_be64(all, bytes.size());
    all.insert(all.end(), bytes.begin(), bytes.end());
  };
  const auto log = memory_.open_log(layout_).value();
  log->scan(1, log->last(),
            [&](const Header&, ByteView leaf) {
              add(leaf);
              return true;
            })
      .value();
  log->scan_bodies(1, log->last(),
                   [&](Seq, ByteView sealed) {
                     add(sealed);
                     return true;
                   })
      .value();
  for (const auto& [key, value] : log->scan_meta("").value())
    add(as_bytes(key)), add(as_bytes(value));
  for (const char* name : {"records", "index"}) add(as_bytes(slurp(layout_.vault() / name)));
  put_be64(all, random_());
  return sha256({all});
}

}  // namespace rollcall::test
