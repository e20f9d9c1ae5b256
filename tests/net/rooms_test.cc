// Chat as history: what is told, what counts as an edit and a removal, and what is left afterwards.
#include "net/presence/rooms.h"

#include "net/presence/sessions.h"
#include "store/forget.h"
#include "store/govern.h"
#include "tests/support/stores.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <atomic>
#include <deque>
#include <future>
#include <mutex>

using namespace rollcall;
using engine::Kind;
using engine::Seq;
using net::ChatMessage;
using net::Rooms;
using store::Errc;
using store::Result;
using store::Transaction;

namespace {

namespace json = boost::json;

/// What the room's one subscriber hears. Frames come on the committer's thread.
class Heard final : public net::DeliverySink {
 public:
  void deliver(net::Delivery delivery) override {
    if (delivery.what != net::Delivery::What::Frame) return;
    const auto size = static_cast<std::uint8_t>((*delivery.bytes)[1]);
    const std::string text = delivery.bytes->substr(size < 126 ? 2 : size == 126 ? 4 : 10);
    const std::lock_guard guard(mutex_);
    all_.push_back(json::parse(text).as_object());
  }
  /// As "MessagePosted 7", the number being the message's; each event's own seq beside it.
  std::vector<std::string> take() {
    const std::lock_guard guard(mutex_);
    std::vector<std::string> out;
    for (const json::object& one : std::exchange(all_, {})) {
      const json::value data = json::parse(one.at("data").as_string());
      out.push_back(fmt::format("{} {}", std::string_view(one.at("event").as_string()),
                                data.at("id").to_number<Seq>()));
      seqs.push_back(one.at("seq").to_number<Seq>());
    }
    return out;
  }
  std::vector<Seq> seqs;

 private:
  std::mutex mutex_;
  std::vector<json::object> all_;
};

std::string posted(Seq id) { return fmt::format("MessagePosted {}", id); }
std::string edited(Seq id) { return fmt::format("MessageEdited {}", id); }
std::string removed(Seq id) { return fmt::format("MessageRemoved {}", id); }
using Told = std::vector<std::string>;

class Chat {
 public:
  Chat() {
    store::LiveOptions options;
    options.medium = &store_.medium();
    options.on_durable = [this](const store::Writer::Batch& batch) {
      if (Rooms* ready = ready_) ready->publish(batch);
    };
    live = store::Live::start(store_.layout(), std::move(options)).value();
    sessions = std::make_unique<net::Sessions>(*live);
    rooms = std::make_unique<Rooms>(*live, hub);
    ready_ = rooms.get();
    const net::Hub::Member member{"ear", "null"};
    hub.subscribe(std::uint64_t{16} << 32 | 1, 1, "presence-room.lobby",
                  *net::channel_kind("presence-room.lobby"), &member, 1);
    for (const char* user : {"ada", "bob"}) (void)say(Kind::Login, user, "", "");
  }
  ~Chat() { live->stop(); }
  Chat(const Chat&) = delete;
  Chat& operator=(const Chat&) = delete;

  Seq say(Kind kind, const std::string& user, const std::string& action, const std::string& text,
          Seq about = 0, const std::string& room = "lobby") const {
    net::Write w;
    w.kind = kind;
    w.user = user;
    w.action = action;
    if (kind == Kind::Activity) {
      w.body.target_type = "room";
      w.body.target_id = room;
      w.body.description = text;
      if (about != 0) w.body.properties = fmt::format(R"({{"message":{}}})", about);
    }
    std::promise<Seq> told;
    sessions->write(std::move(w), [&](const Result<net::WriteReply>& reply) {
      told.set_value(reply.value().seq);
    });
    return told.get_future().get();
  }
  Seq post(const std::string& user, const std::string& text,
           const std::string& room = "lobby") const {
    return say(Kind::Activity, user, "message.posted", text, 0, room);
  }
  Seq edit(const std::string& user, Seq id, const std::string& text) const {
    return say(Kind::Activity, user, "message.edited", text, id);
  }
  Result<Seq> remove(Seq id, const std::string& by, bool any = false,
                     const std::string& room = "lobby") const {
    Result<Seq> out = Seq{0};
    const auto done = alone([&](store::Writer& writer, engine::Micros at) -> Result<void> {
      out = rooms->remove(writer, room, id, by, any, at);
      if (!out) return out.error();
      return {};
    });
    return done ? out : Result<Seq>(done.error());
  }
  template <class Work>
  Result<void> alone(const Work& work) const {
    return live->exclusively(work);
  }
  std::vector<std::string> texts(Seq after = 0, Seq before = ~Seq{0},
                                 std::size_t limit = 100) const {
    std::vector<std::string> out;
    for (const ChatMessage& m : rooms->history("lobby", after, before, limit).value())
      out.push_back(m.user + ": " + m.text);
    return out;
  }
  Told told_after(Seq after, std::size_t limit = 100) const {
    Told out;
    for (const Rooms::Told& t : rooms->told_after("lobby", after, limit).value())
      out.push_back(fmt::format("{} {}", t.event, json::parse(t.data).at("id").to_number<Seq>()));
    return out;
  }

  test::MemoryStore store_;
  Heard heard;
  net::AppSettings settings;
  net::Hub hub{settings, {&heard}, [](const net::HubEvent&) {}};
  std::atomic<Rooms*> ready_ = nullptr;
  std::unique_ptr<store::Live> live;
  std::unique_ptr<net::Sessions> sessions;
  std::unique_ptr<Rooms> rooms;
};

}  // namespace

TEST_CASE("a room's name is 1 to 64 of a-z, 0-9 and dash", "[net]") {
  for (const std::string& good : {std::string("a"), std::string("room-7"), std::string(64, 'z')})
    CHECK(net::valid_room(good));
  for (const std::string& bad : {std::string(), std::string(65, 'z'), std::string("Room"),
                                 std::string("a b"), std::string("a.b"), std::string("\xc3\xa4")})
    CHECK_FALSE(net::valid_room(bad));
}

TEST_CASE("what is said in a room is heard there in the log's order, and read again later",
          "[net]") {
  Chat chat;
  const Seq first = chat.post("ada", "one"), second = chat.post("bob", "two");
  (void)chat.post("ada", "elsewhere", "other");
  (void)chat.post("ada", "nowhere", "Not A Room");
  (void)chat.say(Kind::Activity, "ada", "order.paid", "three");
  const Seq changed = chat.edit("ada", first, "one and a half");
  CHECK(chat.heard.take() == Told{posted(first), posted(second), edited(first)});
  CHECK(chat.heard.seqs == std::vector<Seq>{first, second, changed});
  CHECK(chat.texts() == Told{"ada: one and a half", "bob: two"});
  // Pieces of it, and what was missed.
  CHECK(chat.texts(first) == Told{"bob: two"});
  CHECK(chat.texts(0, second) == Told{"ada: one and a half"});
  CHECK(chat.texts(0, ~Seq{0}, 1) == Told{"bob: two"});
  CHECK(chat.told_after(0) == Told{posted(first), posted(second), edited(first)});
  CHECK(chat.told_after(first) == Told{posted(second), edited(first)});
  CHECK(chat.told_after(changed).empty());
  CHECK(chat.told_after(~Seq{0}).empty());
  CHECK(chat.rooms->told_after("lobby", 0, 2).error().code == Errc::CursorGone);
}

TEST_CASE("nobody edits or removes what somebody else said", "[net]") {
  Chat chat;
  const Seq first = chat.post("ada", "mine");
  (void)chat.heard.take();
  (void)chat.edit("bob", first, "not mine");
  (void)chat.edit("ada", first + 1000, "of nothing");
  (void)chat.edit("ada", first - 1, "of no message");
  // Anybody may write such an event; it is one only if the log says that the body was dropped.
  (void)chat.say(Kind::Activity, "bob", "message.removed", "", first);
  CHECK(chat.heard.take().empty());
  CHECK(chat.texts() == Told{"ada: mine"});
  CHECK(chat.told_after(first).empty());
  CHECK(chat.remove(first, "bob").error().code == Errc::NotPermitted);
  CHECK(chat.remove(first, "nobody").error().code == Errc::NotPermitted);
  CHECK(chat.remove(first, "ada", false, "other").error().code == Errc::NotFound);
  CHECK(chat.remove(0, "ada").error().code == Errc::NotFound);
  CHECK(chat.remove(~Seq{0}, "ada").error().code == Errc::NotFound);
  CHECK(chat.texts() == Told{"ada: mine"});
}

TEST_CASE("what is removed is gone from the log with all its edits, and told once", "[net]") {
  Chat chat;
  const Seq first = chat.post("ada", "secret one"), second = chat.post("bob", "two");
  const Seq changed = chat.edit("ada", first, "secret two");
  (void)chat.say(Kind::Activity, "ada", "message.removed", "", first);  // a claim, not yet true
  (void)chat.heard.take();
  REQUIRE(chat.remove(first, "ada"));
  REQUIRE(chat.remove(second, "ada", true));  // who may remove anybody's
  CHECK(chat.heard.take() == Told{removed(first), removed(second)});
  CHECK(chat.texts().empty());
  CHECK(chat.told_after(first - 1) == Told{removed(first), removed(second)});
  const auto reading = chat.live->reading();
  for (const Seq seq : {first, second, changed})
    CHECK_FALSE(reading->log().body(seq).value().has_value());
}

TEST_CASE("a hold on the author keeps what he said", "[net]") {
  Chat chat;
  const Seq first = chat.post("ada", "evidence");
  REQUIRE(chat.alone([&](store::Writer& writer, engine::Micros at) -> Result<void> {
    const auto set =
        store::change_hold(writer, Kind::HoldSet, {"ada", std::nullopt}, "a court", "", at);
    if (!set) return set.error();
    return {};
  }));
  CHECK(chat.remove(first, "ada").error().code == Errc::Refused);
  CHECK(chat.remove(first, "bob", true).error().code == Errc::Refused);
  CHECK(chat.texts() == Told{"ada: evidence"});
}

TEST_CASE("what a forgotten person said is gone from the room", "[net]") {
  Chat chat;
  (void)chat.post("ada", "one");
  const Seq second = chat.post("bob", "two");
  const auto ada = chat.live->reading()->vault().number_of("ada").value();
  REQUIRE(chat.alone([&](store::Writer& writer, engine::Micros at) -> Result<void> {
    const auto done =
        store::forget(writer, store::plan_forget(writer, ada), {"a request", "", false}, at);
    if (!done) return done.error();
    return {};
  }));
  CHECK(chat.texts() == Told{"bob: two"});
  CHECK(chat.told_after(0) == Told{posted(second)});
}
