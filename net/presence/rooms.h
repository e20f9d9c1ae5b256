// Chat: rooms are presence channels, a message is an Activity in the log whose id is its seq.
//
// Why this file exists: what was said is history like everything else. `message.posted` has the
// room as its target and the text as its description; `message.edited` and `message.removed` name
// the message in properties.message. An edit counts where its author is the message's; a removal
// where the log also says that the body was dropped (RetentionApplied), which only remove() writes.
// Whatever wrote the event (the page, /v1, the command line), subscribers of presence-room.<room>
// hear MessagePosted, MessageEdited or MessageRemoved once it is durable, in the order of the log,
// with its seq.
#pragma once

#include "net/hub/hub.h"
#include "store/bytes/mutex.h"
#include "store/live.h"

#include <boost/describe.hpp>

#include <map>
#include <set>

namespace rollcall::net::inline presence {

struct ChatMessage {
  std::uint64_t id = 0;      ///< its seq
  std::uint64_t number = 0;  ///< of the user: whose messages go when he is forgotten
  std::string user, text, at;
  std::optional<std::string> edited_at, client_id;
};
BOOST_DESCRIBE_STRUCT(ChatMessage, (), (id, number, user, text, at, edited_at, client_id))

inline constexpr std::string_view kRoomChannel = "presence-room.";
inline constexpr std::size_t kMessageMax = 4000;  ///< bytes of a text
/// 1 to 64 of a-z, 0-9 and dash.
[[nodiscard]] bool valid_room(std::string_view room);

class Rooms {
 public:
  Rooms(store::LogSource& live, Hub& hub) : live_(live), hub_(hub) {}

  /// Tells subscribers of what the batch said in rooms; on the committer's thread, once durable.
  void publish(const store::Writer::Batch& batch);
  /// Ascending by id, without what was removed: the newest `limit` with after < id < before.
  [[nodiscard]] store::Result<std::vector<ChatMessage>> history(const std::string& room,
                                                                engine::Seq after,
                                                                engine::Seq before,
                                                                std::size_t limit);
  /// Events as a subscriber would have been told them after `after`: {seq, name, data}.
  struct Told {
    engine::Seq seq = 0;
    std::string event, data;
  };
  [[nodiscard]] store::Result<std::vector<Told>> told_after(const std::string& room,
                                                            engine::Seq after, std::size_t limit);
  /// Takes into the index what the log holds. Reads all of it the first time: do so before
  /// remove(), which then finds little to read while nobody else can write.
  [[nodiscard]] store::Result<void> read_up();
  /// Drops the body of a message of the room and of its edits, in the log said so first. `by`: who
  /// asks; a message of somebody else only with `any`. Alone on the writer.
  [[nodiscard]] store::Result<engine::Seq> remove(store::Writer& writer, const std::string& room,
                                                  engine::Seq id, const std::string& by, bool any,
                                                  engine::Micros at);
  /// The user of a message of that room; NotFound where it is none.
  [[nodiscard]] static store::Result<engine::UserNumber> author(const store::ReadView& reading,
                                                                const std::string& room,
                                                                engine::Seq id);

 private:
  enum class Act : std::uint8_t { None, Posted, Edited, Removed };
  struct Room {
    std::vector<engine::Seq> events;                        ///< all three kinds, ascending
    std::vector<engine::Seq> posted;                        ///< ascending
    std::map<engine::Seq, std::vector<engine::Seq>> edits;  ///< message → by its author, ascending
  };
  Act act_of(const store::ReadView& reading, const engine::Header& header);
  store::Result<void> catch_up(const store::ReadView& reading) RC_REQUIRES(mutex_);
  using Dropped = std::set<engine::Seq>;  ///< messages whose bodies the log says are dropped
  std::optional<Told> tell(const store::ReadView& reading, const engine::Header& header, Act act,
                           const Dropped& dropped, std::string* room);

  store::LogSource& live_;
  Hub& hub_;
  store::Mutex acts_mutex_;
  /// By the action's number in the log.
  std::map<std::uint64_t, Act> acts_ RC_GUARDED_BY(acts_mutex_);
  store::Mutex mutex_;
  engine::Seq upto_ RC_GUARDED_BY(mutex_) = 0;  ///< the index below holds everything up to here
  Dropped dropped_ RC_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Room> rooms_ RC_GUARDED_BY(mutex_);  ///< by the target's tag
};

}  // namespace rollcall::net::inline presence
