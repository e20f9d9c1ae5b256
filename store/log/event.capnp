@0xb7d1f0c2a94e5d31;
# The event on disk and on the wire. Add at the end with the next number; never reuse, retype or
# re-default. Retire by renaming to obsoleteX. Have no non-zero defaults: they are XORed into bytes.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("rollcall::wire");

struct EventHeader {         # no pointers: its data section, 14 words, is the Merkle leaf
  kind       @0  :UInt8;     # 0 is never written: an all-zero record reads as corrupt
  cause      @1  :UInt8;
  flags      @2  :UInt16;
  user       @3  :UInt32;    # 0 is the app itself
  seq        @4  :UInt64;    # 1-based
  atMicros   @5  :Int64;     # microseconds since the Unix epoch, UTC; never decreases
  session    @6  :UInt64;    # seq of the Login that opened it; 0 none
  prev       @7  :UInt64;    # the user's previous seq; 0 none
  keyEpoch   @8  :UInt32;
  bodyLength @9  :UInt32;    # bytes of the plain body; 0 none
  a          @10 :UInt64;    # the kind's own fields
  b          @11 :UInt64;
  c          @12 :UInt64;
  d          @13 :UInt64;
  digest0    @14 :UInt64;    # the body digest, 32 bytes in order
  digest1    @15 :UInt64;
  digest2    @16 :UInt64;
  digest3    @17 :UInt64;
}

struct Record {              # a log record, without segment table
  headers @0 :List(EventHeader);
}

struct Body {                # packed, compressed with a shipped dictionary, sealed
  name        @0  :Text;
  action      @1  :Text;
  description @2  :Text;
  logName     @3  :Text;
  targetType  @4  :Text;
  targetId    @5  :Text;
  properties  @6  :Text;     # JSON object
  changes     @7  :Text;     # JSON object
  address     @8  :Text;
  agent       @9  :Text;
  device      @10 :Text;
  requestId   @11 :Text;
  batch       @12 :Text;
  externalKey @13 :Text;
  statusText  @14 :Text;
  emoji       @15 :Text;
  reason      @16 :Text;
  ticket      @17 :Text;
  detail      @18 :Text;     # JSON object
  occurredAt  @19 :Int64;    # microseconds; what a client claimed
}

enum PresenceState {
  offline @0;
  online  @1;
  away    @2;
}

struct StreamMessage {       # what /v1/stream sends over a WebSocket (rollcall.v1.capnp)
  union {
    event           @0 :StreamEvent;
    presenceChanged @1 :PresenceChanged;
  }
}

struct StreamEvent {
  header @0 :EventHeader;
  user   @1 :Text;           # the name; #NUMBER once forgotten; empty: the app itself
  action @2 :Text;           # empty: the event has none
  body   @3 :Body;           # null: none was written, or it is forgotten (then bodyLength is not 0)
}

struct PresenceChanged {
  user     @0 :Text;
  state    @1 :PresenceState;
  previous @2 :PresenceState; # what this stream was told before, or the state itself
  cause    @3 :Text;          # login, logout, activity, inactivity
  atMicros @4 :Int64;
  seq      @5 :UInt64;
}
