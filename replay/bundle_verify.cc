// Checking bundles: everything in them is untrusted until it hashes to a signature.
#include "replay/bundle.h"
#include "replay/bundle_facts.h"
#include "replay/proven.h"
#include "store/log/state_digest.h"
#include "store/tlog/tlog_proof.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::replay {
namespace {

namespace merkle = store::merkle;
namespace note = store::note;
using engine::Kind;
using store::ByteView;
using store::Hash;

Error broken(std::string why) { return {Errc::Tampered, std::move(why)}; }

class BundleCheck {
 public:
  BundleCheck(const BundleFiles& files, const std::optional<store::PolicyFile>& trusted)
      : files_(files), trusted_(trusted) {}

  Result<BundleReport> run() {
    RC_TRY(manifest());
    RC_TRY(signature());
    RC_TRY(leaves());
    RC_TRY(bodies());
    const std::string complete = value("complete");
    if (complete == "chain")
      RC_TRY(chain());
    else if (complete == "headers")
      RC_TRY(range());
    else if (complete != "none")
      return broken("the bundle says it is complete in an unknown way");
    RC_TRY(readable());
    RC_TRY(answer());
    RC_TRY(receipts());
    RC_TRY(facts());
    RC_TRY(no_strangers(files_, value("complete"),
                        [&](const std::string& what) { not_covered(what); }));
    for (const auto& what : proven_.not_covered()) not_covered(what);
    return std::move(report_);
  }

 private:
  Result<const std::string*> file(const std::string& name) const {
    const auto it = files_.find(name);
    if (it == files_.end())
      return Error{Errc::Incomplete, fmt::format("the bundle has no {}", name)};
    return &it->second;
  }
  std::string value(const std::string& key) const {
    const auto it = manifest_.find(key);
    return it == manifest_.end() ? "" : it->second;
  }
  Result<std::uint64_t> number(const std::string& key) const {
    const auto n = store::parse_decimal(value(key));
    if (!n) return broken(fmt::format("the bundle's {} is not a number", key));
    return *n;
  }

  /// What the bundle shows and nothing in it proves: said, so that nobody takes it for verified.
  void not_covered(const std::string& what) {
    report_.lines.push_back(fmt::format("not signed {}", what));
  }

  Result<void> manifest() {
    const auto text = file("bundle");
    if (!text) return text.error();
    auto facts = parse_facts(**text);
    if (!facts) return facts.error();
    manifest_ = std::move(*facts);
    return {};
  }

  Result<void> signature() {
    const auto text = file("checkpoint");
    const auto vkey = file("log.vkey");
    if (!text) return text.error();
    if (!vkey) return vkey.error();
    auto parsed = note::parse(**text);
    if (!parsed) return broken(parsed.error().detail);
    if (!(*vkey)->ends_with('\n')) return broken("log.vkey is not one line");
    const auto own = note::Verifier::parse(std::string_view(**vkey).substr(0, (*vkey)->size() - 1));
    if (!own) return broken(own.error().detail);
    own_key_ = *own;
    keys_ = {*own};
    if (trusted_ && !trusted_->logs.empty()) keys_ = trusted_->log_keys();
    RC_TRY(note::open(*parsed, keys_));
    auto checkpoint = note::parse_checkpoint(parsed->text);
    if (!checkpoint) return broken(checkpoint.error().detail);
    checkpoint_ = *checkpoint;
    if (value("origin") != checkpoint_.origin ||
        value("size") != fmt::format("{}", checkpoint_.size))
      return broken("the bundle's facts and its checkpoint differ");
    report_.lines.push_back(fmt::format("checkpoint {} at size {}: signature ok",
                                        checkpoint_.origin, checkpoint_.size));
    if (!std::any_of(keys_.begin(), keys_.end(), [&](const auto& key) { return key == own_key_; }))
      not_covered("log.vkey and log.pem: another key than the one that was given");
    const auto others =
        std::count_if(parsed->signatures.begin(), parsed->signatures.end(), [&](const auto& line) {
          return std::none_of(keys_.begin(), keys_.end(),
                              [&](const auto& key) { return note::is_by(line, key); });
        });
    if (others > 0 && !trusted_)
      not_covered(fmt::format("{} further signatures: whose they are, a policy says", others));
    if (trusted_) {
      const auto verdict = trusted_->judge(*parsed);
      if (!verdict.met)
        return Error{Errc::Incomplete,
                     fmt::format("the policy's quorum {} is not met: {} good cosignatures",
                                 trusted_->quorum, verdict.good)};
      if (!trusted_->witnesses.empty())
        report_.lines.push_back(fmt::format("witnesses  {} of {}: quorum met", verdict.good,
                                            trusted_->witnesses.size()));
    }
    return {};
  }

  Result<std::vector<Hash>> hashes(const std::string& name) const {
    const auto text = file(name);
    if (!text) return text.error();
    std::vector<Hash> out;
    std::string_view rest = **text;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const auto raw = store::from_hex(rest.substr(0, end));
      if (!raw || raw->size() != 32 || end == std::string_view::npos)
        return broken(fmt::format("{}: a line that is no hash", name));
      Hash h;
      std::copy(raw->begin(), raw->end(), h.begin());
      out.push_back(h);
      rest.remove_prefix(end + 1);
    }
    return out;
  }

  Result<void> leaves() {
    const auto text = file("headers.bin");
    if (!text) return text.error();
    const ByteView bytes = store::as_bytes(**text);
    if (bytes.empty() || bytes.size() % store::kHeaderSize != 0)
      return broken("headers.bin is not a row of 112-byte headers");
    std::vector<merkle::IndexedHash> known;
    for (std::size_t i = 0; i < bytes.size(); i += store::kHeaderSize) {
      const ByteView leaf = bytes.subspan(i, store::kHeaderSize);
      const Header h = store::decode_header(leaf);
      if (h.seq == 0) return broken("a header without a seq");
      known.push_back({h.seq - 1, merkle::leaf_hash(leaf)});
      by_seq_[h.seq] = headers_.size();
      headers_.push_back(h);
      proven_.add(h);
    }
    const auto proof = hashes("tree.proof");
    if (!proof) return proof.error();
    const auto root = merkle::multi_root(std::move(known), checkpoint_.size, *proof);
    if (!root || *root != checkpoint_.root)
      return broken("the headers and their proof do not lead to the signed root");
    report_.events = headers_.size();
    report_.lines.push_back(fmt::format("events     {} in the signed tree", headers_.size()));
    return {};
  }

  const Header* find(Seq seq) const {
    const auto it = by_seq_.find(seq);
    return it == by_seq_.end() ? nullptr : &headers_[it->second];
  }

  Result<void> bodies() {
    for (const auto& [name, content] : files_) {
      if (!name.starts_with("bodies/")) continue;
      const auto seq = store::parse_decimal(std::string_view(name).substr(7));
      const Header* header = seq ? find(*seq) : nullptr;
      if (header == nullptr || name != fmt::format("bodies/{}", *seq))
        return broken(fmt::format("{} belongs to no header of the bundle", shown_name(name)));
      RC_TRY(proven_.add_body(*seq, content));
      ++report_.bodies;
    }
    report_.lines.push_back(fmt::format("bodies     {} fit their digests", report_.bodies));
    return {};
  }

  Result<void> range() {
    const auto from = number("from");
    const auto to = number("to");
    if (!from) return from.error();
    if (!to) return to.error();
    if (*from == 0 || *to < *from || *to - *from >= headers_.size())
      return broken("the range names more headers than the bundle holds");
    for (Seq seq = *from; seq <= *to; ++seq) {
      if (find(seq) == nullptr)
        return broken(fmt::format("seq {}: its header is missing from the range", seq));
    }
    report_.lines.push_back(fmt::format("complete   every header from {} to {}", *from, *to));
    return {};
  }

  /// The user's record in a page that the state digest pins.
  Result<ByteView> record(UserNumber user) {
    const std::uint32_t page = user / engine::kUsersPerPage;
    for (const auto& p : pages_.pages) {
      if (p.number != page) continue;
      const auto place = engine::find_user_record(p.bytes, page, user);
      if (!place) break;
      return ByteView(p.bytes).subspan(place->first, place->second);
    }
    return broken(fmt::format("the state's pages hold no record of user #{}", user));
  }

  /// Follows prev from the head that the record names back to the first event.
  Result<std::uint64_t> follow(UserNumber user, ByteView record) {
    Seq head = 0;
    for (std::size_t i = 0; i < 8; ++i) head |= static_cast<Seq>(record[4 + i]) << (8 * i);
    std::uint64_t length = 0;
    for (Seq seq = head; seq != 0; ++length) {
      const Header* h = find(seq);
      if (h == nullptr)
        return broken(
            fmt::format("seq {}: an event of user #{} is missing from the chain", seq, user));
      if (h->user != user || h->prev >= seq)
        return broken(
            fmt::format("seq {}: it does not belong to the chain of user #{}", seq, user));
      seq = h->prev;
    }
    return length;
  }

  Result<void> chain() {
    const auto user = number("user");
    const auto digest_seq = number("digest");
    const auto count = number("pages");
    for (const auto* n : {&user, &digest_seq, &count})
      if (!*n) return n->error();
    if (*user == 0 || *user > 0xFFFFFFFF || *count > 0xFFFFFFFF)
      return broken("the bundle's user is none");
    const Header* digest = find(*digest_seq);
    if (digest == nullptr || digest->kind != Kind::StateDigest ||
        engine::digest_of(*digest).covers + 1 != digest->seq)
      return broken("the bundle's state digest is not one");
    const auto covered = engine::digest_of(*digest);
    if (covered.reducer != engine::kReducerVersion)
      return Error{Errc::Incomplete,
                   fmt::format("the state digest was made by reducer {}, this is {}",
                               covered.reducer, engine::kReducerVersion)};
    pages_.count = static_cast<std::uint32_t>(*count);
    for (const auto& [name, content] : files_) {
      if (!name.starts_with("state/")) continue;
      const auto page = store::parse_decimal(std::string_view(name).substr(6));
      if (!page || *page >= *count) return broken("a state page with no number");
      pages_.pages.push_back(
          {static_cast<std::uint32_t>(*page), store::Bytes(content.begin(), content.end())});
    }
    std::sort(pages_.pages.begin(), pages_.pages.end(),
              [](const auto& a, const auto& b) { return a.number < b.number; });
    const auto proof = hashes("state.proof");
    if (!proof) return proof.error();
    pages_.proof = *proof;
    if (!store::verify_pages(pages_, digest->digest))
      return broken("the state's pages do not lead to the logged digest");
    const auto number32 = static_cast<UserNumber>(*user);
    const auto own = record(number32);
    const auto app = record(0);
    if (!own) return own.error();
    if (!app) return app.error();
    const auto own_length = follow(number32, *own);
    const auto app_length = follow(0, *app);
    if (!own_length) return own_length.error();
    if (!app_length) return app_length.error();
    report_.lines.push_back(
        fmt::format("complete   all {} events of user #{} up to seq {}, and {} of the app's",
                    *own_length, *user, covered.covers, *app_length));
    return replay(number32, covered.covers, *own);
  }

  /// Replays both chains to the user's state, and compares it with the pinned record.
  Result<void> replay(UserNumber user, Seq covered, ByteView pinned) {
    engine::State state;
    state.users.resize(static_cast<std::size_t>(user) + 1);
    std::vector<engine::Transition> transitions;
    const auto asked =
        manifest_.contains("asked") ? number("asked") : Result<std::uint64_t>(std::uint64_t{0});
    if (!asked) return asked.error();
    if (*asked > covered) return broken("the moment asked about lies after the state digest");
    bool told = *asked == 0;
    for (const Header& h : headers_) {
      if (h.seq > covered) break;
      if (h.user != user && h.user != 0) continue;
      if (!told && h.seq > *asked) {
        report_.state_asked = state.users[user].state;
        told = true;
      }
      if (h.at < state.at) return broken(fmt::format("seq {}: time runs back", h.seq));
      engine::apply(state, h, transitions);
    }
    if (!told) report_.state_asked = state.users[user].state;
    std::vector<std::uint8_t> bytes;
    engine::write_user(state, user, bytes);
    if (!std::equal(bytes.begin(), bytes.end(), pinned.begin(), pinned.end()))
      return Error{Errc::Diverged, "replaying the chain gives another state than the log's digest"};
    report_.state_at_digest = state.users[user].state;
    if (report_.state_asked)
      report_.lines.push_back(fmt::format("state      user #{} was {} after seq {}", user,
                                          engine::name_of(*report_.state_asked), *asked));
    report_.lines.push_back(
        fmt::format("state      user #{} is {} after seq {}, as the signed digest says", user,
                    engine::name_of(*report_.state_at_digest), covered));
    return {};
  }

  /// events.ndjson is for reading: what it says must be what the headers and bodies say.
  Result<void> readable() {
    const auto text = file("events.ndjson");
    if (!text) return text.error();
    std::string_view rest = **text;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      if (end == std::string_view::npos)
        return broken("events.ndjson is not one JSON object a line");
      const auto seq = proven_.judge(rest.substr(0, end), NamesOf::Bundle);
      if (!seq) return seq.error();
      if (!listed_.empty() && *listed_.rbegin() >= *seq)
        return broken("events.ndjson is not in order");
      listed_.insert(*seq);
      rest.remove_prefix(end + 1);
    }
    if (manifest_.contains("listed") && value("listed") != fmt::format("{}", listed_.size()))
      return broken(fmt::format("events.ndjson tells of {} events, the bundle's facts of {}",
                                listed_.size(), value("listed")));
    for (const auto& [name, content] : files_) {
      if (!name.starts_with("bodies/")) continue;
      const Header& h = *find(*store::parse_decimal(std::string_view(name).substr(7)));
      const bool a_name = h.kind == Kind::UserEnrolled || h.kind == Kind::ActionNamed ||
                          h.kind == Kind::ChannelNamed;
      if (!a_name && !listed_.contains(h.seq))
        return broken(
            fmt::format("seq {}: its text is here, and events.ndjson leaves it out", h.seq));
    }
    report_.lines.push_back(
        fmt::format("readable   {} events say what was signed", listed_.size()));
    return {};
  }

  /// answer.txt: who, state and moment in words.
  Result<void> answer() {
    const auto told = files_.find("answer.txt");
    if (manifest_.contains("asked") != (told != files_.end()) ||
        (manifest_.contains("moment") && !manifest_.contains("asked")))
      return broken("answer.txt and the bundle's facts do not go together");
    if (told == files_.end()) return {};
    const auto asked = number("asked");
    const auto user = number("user");
    for (const auto* n : {&asked, &user})
      if (!*n) return n->error();
    if (find(*asked) == nullptr) return broken("the event asked about is not in the bundle");
    Micros at = 0;
    if (manifest_.contains("moment")) {
      const auto moment = number("moment");
      const auto digest = number("digest");
      if (!moment) return moment.error();
      if (!digest) return digest.error();
      at = static_cast<Micros>(*moment);
      RC_TRY(moment_holds(headers_, *asked, *digest, at));
    }
    if (!report_.state_asked || value("complete") != "chain")
      return broken("answer.txt without a complete chain");
    const auto number32 = static_cast<UserNumber>(*user);
    const auto name = proven_.user(number32);
    if (told->second !=
        answer_sentence(number32, name.text, *report_.state_asked, *asked, at, checkpoint_.origin))
      return broken("answer.txt says something else than the chain");
    report_.lines.push_back(
        fmt::format("answer     {}", told->second.substr(0, told->second.size() - 1)));
    if (name.state != Proven::Name::State::Signed)
      not_covered(fmt::format("the name of user #{}", number32));
    return {};
  }

  Result<void> receipts() {
    std::uint64_t good = 0;
    for (const auto& [name, content] : files_) {
      if (!name.starts_with("receipts/")) continue;
      const auto receipt = store::parse_tlog_proof(content);
      if (!receipt) return broken(fmt::format("{}: {}", shown_name(name), receipt.error().detail));
      const Seq seq = receipt->index + 1;
      const Header* h = find(seq);
      if (h == nullptr || name != fmt::format("receipts/{}.tlog-proof", seq) ||
          receipt->extra != store::encode_header(*h) || store::render(*receipt) != content ||
          note::render(receipt->checkpoint) != files_.at("checkpoint"))
        return broken(
            fmt::format("{} is not the receipt of an event of the bundle", shown_name(name)));
      RC_TRY(store::verify_tlog_proof(*receipt, receipt->extra, keys_));
      ++good;
    }
    if (good > 0) report_.lines.push_back(fmt::format("receipts   {} hold", good));
    return {};
  }

  /// Those of the facts that no check needed but the script reads.
  Result<void> facts() {
    if (manifest_.contains("keyid") && value("keyid") != fmt::format("{:08x}", own_key_.id()))
      return broken("the bundle's keyid is not that of log.vkey");
    if (const auto pem = files_.find("log.pem");
        pem != files_.end() && pem->second != pem_of(own_key_))
      return broken("log.pem holds another key than log.vkey");
    if (value("complete") != "chain") return {};
    const auto user = static_cast<UserNumber>(number("user").value());
    const auto place = [&](UserNumber number) -> std::string {
      const std::uint32_t page = number / engine::kUsersPerPage;
      for (const auto& p : pages_.pages) {
        if (p.number != page) continue;
        const auto found = engine::find_user_record(p.bytes, page, number);
        return found ? fmt::format("{}", found->first) : "";
      }
      return "";
    };
    if (value("page") != fmt::format("{}", user / engine::kUsersPerPage) ||
        value("record") != place(user) || value("record0") != place(0))
      return broken("the bundle's facts say another place for a person's record");
    return {};
  }

  const BundleFiles& files_;
  const std::optional<store::PolicyFile>& trusted_;
  std::map<std::string, std::string> manifest_;
  note::Checkpoint checkpoint_;
  std::vector<Header> headers_;
  std::map<Seq, std::size_t> by_seq_;
  store::PagesProof pages_;
  std::vector<note::Verifier> keys_;  ///< to believe
  note::Verifier own_key_;            ///< in log.vkey
  Proven proven_;
  std::set<Seq> listed_;  ///< in events.ndjson
  BundleReport report_;
};

}  // namespace

Result<BundleReport> verify_bundle(const BundleFiles& files,
                                   const std::optional<store::PolicyFile>& trusted) {
  return BundleCheck(files, trusted).run();
}

}  // namespace rollcall::replay
