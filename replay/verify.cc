// Verification, in chunks of the log.
#include "replay/verify.h"

#include "replay/verify_bodies.h"
#include "replay/verify_files.h"
#include "store/log/state_digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace rollcall::replay {
namespace {

using engine::Kind;
using store::ByteView;
using store::Hash;
namespace merkle = store::merkle;
namespace note = store::note;

constexpr Seq kChunk = 65'536;

Verdict verdict_of(Errc code) {
  switch (code) {
    case Errc::Tampered:
      return Verdict::Tampered;
    case Errc::Diverged:
      return Verdict::Diverged;
    default:
      return Verdict::Incomplete;
  }
}

/// The seq that an error's sentence names ("seq 17: …"), or 0.
Seq seq_in(const std::string& text) {
  const auto at = text.find("seq ");
  if (at == std::string::npos) return 0;
  Seq seq = 0;
  for (std::size_t i = at + 4; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i)
    seq = seq * 10 + static_cast<Seq>(text[i] - '0');
  return seq;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class Verification {
 public:
  Verification(const Reader& reader, const VerifyOptions& options, VerifyReport& report)
      : reader_(reader), log_(reader.log()), options_(options), report_(report) {}

  void run() {
    report_.origin = log_.origin();
    report_.size = log_.last();
    checkpoints();
    if (options_.full)
      full();
    else
      quick();
    if (options_.replay) replay();
    if (options_.full) files();
    tail();
  }

 private:
  void find(Verdict verdict, Seq seq, std::string text, Seq last = 0) {
    if (report_.findings.size() >= kFindingsMax) {
      ++report_.findings_more;
      return;
    }
    report_.findings.push_back({verdict, seq, last, std::move(text)});
  }
  void find(const Error& error) {
    find(verdict_of(error.code), seq_in(error.detail), error.detail);
  }
  void check(std::string name, std::string subject, bool ok, std::string detail = {}) {
    report_.checks.push_back({std::move(name), std::move(subject), ok, std::move(detail)});
  }

  /// Signatures, the file beside the database, the witnesses' quorum, the auditor's own checkpoint.
  void checkpoints() {
    const auto keys = store::trusted_keys(reader_.layout());
    if (!keys) return find(keys.error());
    report_.key_id = fmt::format("{:08x}", keys->front().id());
    const auto history = store::checkpoint_history(log_);
    if (!history) return find(history.error());
    history_ = *history;
    const auto newest = store::newest_checkpoint(log_, reader_.layout());
    if (!newest) return find(newest.error());
    if (newest->file_damage)
      check("checkpoint file", *newest->file_damage, false,
            "no evidence: the database holds it; the next signing rewrites it");
    if (newest->newest &&
        (history_.empty() || newest->newest->checkpoint.size > history_.back().checkpoint.size)) {
      history_.push_back(*newest->newest);
    }
    if (history_.empty()) {
      check("checkpoint signature", "none was ever signed", false);
      if (report_.size > 0)
        find(Verdict::Incomplete, 0, "nothing was ever signed: `rollcall checkpoint sign` signs");
      return;
    }
    bool good = true;
    for (const auto& made : history_) {
      const auto opened = note::open(made.note, *keys);
      if (!opened) {
        good = false;
        find(Verdict::Tampered, 0,
             fmt::format("the checkpoint of size {}: {}", made.checkpoint.size,
                         opened.error().detail));
      } else if (made.checkpoint.origin != report_.origin) {
        good = false;
        find(Verdict::Tampered, 0,
             fmt::format("the checkpoint of size {} is of {}, the log says it is {}",
                         made.checkpoint.size, made.checkpoint.origin, report_.origin));
      } else if (made.checkpoint.size > report_.size) {
        good = false;
        find(Verdict::Tampered, report_.size + 1,
             fmt::format("a checkpoint was signed for {} events and the log holds {}: seq {} and "
                         "what follows are gone",
                         made.checkpoint.size, report_.size, report_.size + 1));
      }
    }
    const auto& last = history_.back();
    report_.signed_size = last.checkpoint.size;
    check("checkpoint signature", fmt::format("size {}", last.checkpoint.size), good,
          fmt::format("{} signed", history_.size()));
    witnesses(last);
    if (options_.saved) saved(*keys);
  }

  void witnesses(const store::SignedCheckpoint& last) {
    store::PolicyFile policy;
    if (options_.policy) {
      policy = *options_.policy;
      // A policy given from outside says which log to believe.
      const auto known = policy.log_keys();
      if (!known.empty()) {
        if (const auto opened = note::open(last.note, known); !opened)
          find(Verdict::Tampered, 0,
               fmt::format("the policy's log keys: {}", opened.error().detail));
      }
    } else {
      const auto own = store::store_policy(reader_.layout());
      if (!own) return find(own.error());
      policy = *own;
    }
    if (policy.witnesses.empty()) return;
    const auto verdict = policy.judge(last.note);
    for (const auto& name : verdict.bad)
      find(Verdict::Tampered, 0,
           fmt::format("the cosignature of witness {} does not fit the checkpoint", name));
    check("witnesses",
          fmt::format("{} of {} (policy needs {})", verdict.good, policy.witnesses.size(),
                      policy.quorum),
          verdict.met);
    if (!verdict.met)
      find(Verdict::Incomplete, 0,
           fmt::format("the quorum {} is not met: {} of {} witnesses cosigned size {}",
                       policy.quorum, verdict.good, policy.witnesses.size(), last.checkpoint.size));
  }

  void saved(const std::vector<note::Verifier>& keys) {
    const auto opened = note::open(*options_.saved, keys);
    const auto checkpoint = note::parse_checkpoint(options_.saved->text);
    if (!opened)
      return find(Verdict::Tampered, 0,
                  fmt::format("the saved checkpoint: {}", opened.error().detail));
    if (!checkpoint) return find(checkpoint.error());
    const auto root =
        checkpoint->size <= report_.size ? log_.root_at(checkpoint->size) : Result<Hash>(Hash{});
    if (!root) return find(root.error());
    const bool same = checkpoint->size <= report_.size && *root == checkpoint->root;
    check(fmt::format("consistent with saved {}", checkpoint->size), "", same);
    if (!same)
      find(Verdict::Tampered, 0,
           fmt::format("a fork: the log does not contain the {} events of the saved checkpoint as "
                       "they were signed",
                       checkpoint->size));
  }

  /// Roots of the signed sizes from stored nodes; only the edges are hashed again.
  void quick() {
    const auto start = std::chrono::steady_clock::now();
    bool good = true;
    for (const auto& made : history_) {
      if (made.checkpoint.size > report_.size) continue;
      const auto root = log_.root_at(made.checkpoint.size);
      if (!root) {
        good = false;
        find(root.error());
      } else if (*root != made.checkpoint.root) {
        good = false;
        find(Verdict::Tampered, 0,
             fmt::format("the first {} events do not hash to the root that was signed for them "
                         "(--full says which)",
                         made.checkpoint.size));
      }
    }
    report_.seconds_tree = seconds_since(start);
    check("signed roots", fmt::format("{} from the stored tree", history_.size()), good,
          "headers not hashed again: --full does");
  }

  void full() {
    const bool open_bodies = options_.bodies && reader_.vault() != nullptr;
    if (open_bodies) {
      bodies_.emplace(reader_, report_, [this](Verdict verdict, Seq seq, std::string text) {
        find(verdict, seq, std::move(text));
      });
    }
    last_of_.assign(1, 0);
    std::size_t next_checkpoint = 0;
    for (Seq from = 1; from <= report_.size && readable_; from += kChunk) {
      const Seq to = std::min(report_.size, from + kChunk - 1);
      chunk(from, to, next_checkpoint);
      if (readable_ && bodies_) readable_ = bodies_->chunk(headers_, from, to);
      if (options_.progress) options_.progress(to, report_.size);
    }
    if (readable_ && bodies_) bodies_->finish(last_of_.size());
    std::sort(report_.findings.begin(), report_.findings.end(),
              [](const Finding& a, const Finding& b) {
                return a.seq != b.seq ? (a.seq == 0 ? false : b.seq == 0 || a.seq < b.seq) : false;
              });
    const bool good = std::none_of(report_.findings.begin(), report_.findings.end(),
                                   [](const Finding& f) { return f.verdict == Verdict::Tampered; });
    check("leaves", fmt::format("{} hashed", tree_.size()), good && readable_,
          fmt::format("{:.2f} s", report_.seconds_tree));
    if (open_bodies) {
      check("bodies", fmt::format("{} opened", report_.bodies_opened), good,
            fmt::format("{} shredded, {} dropped, {} missing, {:.2f} s", report_.shredded,
                        report_.dropped, bodies_->missing(), report_.seconds_bodies));
    } else {
      const std::string why =
          reader_.vault_problem() ? reader_.vault_problem()->detail : "not asked for";
      check("bodies", "bodies not opened", true, why);
      if (options_.bodies && std::filesystem::exists(reader_.layout().vault() / "records"))
        find(Verdict::Incomplete, 0, fmt::format("bodies not opened: {}", why));
    }
  }

  void chunk(Seq from, Seq to, std::size_t& next_checkpoint) {
    const auto start = std::chrono::steady_clock::now();
    headers_.clear();
    const auto marks = log_.leaf_marks(from, to);
    if (!marks) {
      find(marks.error());
      readable_ = false;
      return;
    }
    Seq at = from;
    const auto completed = [&](merkle::NodeId id, const Hash& hash) {
      if (id.level < 8) return;
      const auto stored = log_.stored_node(id);
      const Seq first = (id.index << id.level) + 1;
      const Seq last = (id.index + 1) << id.level;
      if (!stored) return find(stored.error());
      if (*stored && **stored == hash) return;
      // A changed leaf is named by its mark already; its tile and all above it then differ, too.
      if (last_bad_ >= first && last_bad_ <= last) return;
      if (*stored)
        find(Verdict::Tampered, first,
             fmt::format("seq {} to {}: these entries and the stored tree node {}/{} do not fit",
                         first, last, id.level, id.index),
             last);
      else
        find(Verdict::Tampered, first,
             fmt::format("seq {} to {}: the stored tree node {}/{} is missing", first, last,
                         id.level, id.index),
             last);
    };
    while (next_checkpoint < history_.size() && history_[next_checkpoint].checkpoint.size < from)
      ++next_checkpoint;
    const auto scanned = log_.scan(from, to, [&](const Header& h, ByteView leaf) {
      const Hash hash = merkle::leaf_hash(leaf);
      if (store::get_be64(hash) != (*marks)[at - from]) {
        last_bad_ = at;
        find(Verdict::Tampered, at, fmt::format("seq {}: the event does not hash to its leaf", at));
      }
      order(h);
      tree_.append(hash, completed);
      headers_.push_back(h);
      if (next_checkpoint < history_.size() && history_[next_checkpoint].checkpoint.size == at) {
        signed_root(history_[next_checkpoint]);
        ++next_checkpoint;
      }
      ++at;
      return true;
    });
    if (!scanned) {
      find(scanned.error());
      readable_ = false;
    }
    report_.seconds_tree += seconds_since(start);
  }

  void signed_root(const store::SignedCheckpoint& made) {
    if (tree_.root() == made.checkpoint.root) {
      signed_good_ = made.checkpoint.size;
      return;
    }
    if (last_bad_ > signed_good_) return;  // named already
    find(Verdict::Tampered, signed_good_ + 1,
         fmt::format(
             "seq {} to {}: these events do not hash to the root that was signed for size {}",
             signed_good_ + 1, made.checkpoint.size, made.checkpoint.size),
         made.checkpoint.size);
  }

  /// What a header says of its place: kind, time, chain.
  void order(const Header& h) {
    if (h.kind == Kind::None || static_cast<std::uint8_t>(h.kind) >= engine::kKindCount)
      find(Verdict::Tampered, h.seq, fmt::format("seq {}: it is of no known kind", h.seq));
    if (h.at < last_at_)
      find(Verdict::Tampered, h.seq, fmt::format("seq {}: time runs back", h.seq));
    last_at_ = std::max(last_at_, h.at);
    if (h.user > last_of_.size() || (h.user == last_of_.size() && h.kind != Kind::UserEnrolled)) {
      find(Verdict::Tampered, h.seq,
           fmt::format("seq {}: user #{} was never enrolled", h.seq, h.user));
      return;
    }
    if (h.user == last_of_.size()) last_of_.push_back(0);
    if (h.prev != last_of_[h.user])
      find(Verdict::Tampered, h.seq,
           fmt::format("seq {}: it says the user's previous event is {}, which is {}", h.seq,
                       h.prev, last_of_[h.user]));
    last_of_[h.user] = h.seq;
    if (bodies_) bodies_->note(h);
  }

  void replay() {
    store::Fold fold;
    store::StateDigester digester;
    std::uint64_t compared = 0;
    std::uint64_t others = 0;
    bool same = true;
    fold.before = [&](const Header& h) {  // a digest describes the state before its own event
      if (h.kind != Kind::StateDigest) return;
      const auto digest = engine::digest_of(h);
      if (digest.reducer != engine::kReducerVersion) {
        ++others;
        return;
      }
      if (digest.covers + 1 != h.seq || !same) return;
      ++compared;
      if (digester.root(fold.state) != h.digest) {
        same = false;
        find(Verdict::Diverged, h.seq,
             fmt::format("seq {}: the logged digest of the state and the replayed one differ",
                         h.seq));
      }
    };
    const auto done = fold.advance(log_, report_.size);
    if (!done) find(done.error());
    check("replay", fmt::format("{} state digests", compared), same && done.has_value(),
          others == 0 ? fmt::format("reducer {}", engine::kReducerVersion)
                      : fmt::format("reducer {} ({} of others not checked)",
                                    engine::kReducerVersion, others));
  }

  /// What is damaged beside the log, though the log itself may stand.
  void files() {
    bool good = true;
    for (const auto& text : damaged_files(reader_)) {
      good = false;
      const bool told = std::any_of(report_.findings.begin(), report_.findings.end(),
                                    [&](const Finding& f) { return f.text == text; });
      if (!told) find(Verdict::Incomplete, 0, text);
    }
    check("files", "beside the log", good);
  }

  void tail() {
    if (report_.signed_size >= report_.size) return;
    const std::uint64_t events = report_.size - report_.signed_size;
    check("unsigned tail", fmt::format("{} events", events), !options_.strict,
          options_.strict ? "" : "not an error; --strict makes it one");
    if (options_.strict)
      find(Verdict::Incomplete, report_.signed_size + 1,
           fmt::format("seq {} to {} are not signed yet", report_.signed_size + 1, report_.size),
           report_.size);
  }

  const Reader& reader_;
  const store::EventLog& log_;
  const VerifyOptions& options_;
  VerifyReport& report_;
  std::vector<store::SignedCheckpoint> history_;
  std::vector<Header> headers_;
  merkle::CompactRange tree_;
  std::optional<BodyCheck> bodies_;
  std::vector<Seq> last_of_;  ///< by user: newest seq seen
  Micros last_at_ = 0;
  Seq last_bad_ = 0;
  Seq signed_good_ = 0;
  bool readable_ = true;
};

}  // namespace

namespace {

VerifyReport look(const store::Layout& layout, const VerifyOptions& options) {
  VerifyReport report;
  const auto reader = Reader::open(layout, store::Log::Mode::Read, Names::All);
  if (!reader) {
    report.findings.push_back(
        {verdict_of(reader.error().code), seq_in(reader.error().detail), 0, reader.error().detail});
    return report;
  }
  Verification(*reader, options, report).run();
  return report;
}

}  // namespace

VerifyReport verify_store(const store::Layout& layout, const VerifyOptions& options) {
  // A writer that signs, forgets or ends between our look at the log and our look at the files
  // beside it can make them disagree for a moment. Real damage is there when one looks again.
  constexpr int kLooks = 4;
  bool busy = store::writer_about(layout);
  VerifyReport report = look(layout, options);
  for (int i = 1; i < kLooks && report.verdict() != Verdict::Verified; ++i) {
    busy = busy || store::writer_about(layout);
    if (!busy) break;
    busy = store::writer_about(layout);
    report = look(layout, options);
  }
  return report;
}

}  // namespace rollcall::replay
