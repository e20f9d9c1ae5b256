// The floors, the replay, and the other history.
#include "benchmarks/replay_bench.h"

#include "replay/question/replay.h"
#include "replay/whatif.h"

#include <fmt/format.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

namespace rollcall::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// Events a second of each of five rounds.
struct Rates {
  std::vector<double> rounds;
  void add(std::uint64_t events, Clock::time_point begun) {
    rounds.push_back(static_cast<double>(events) /
                     std::chrono::duration<double>(Clock::now() - begun).count());
  }
  [[nodiscard]] double median() const {
    auto sorted = rounds;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
};

/// Every record of the log's family, touched and not decoded.
std::uint64_t scan_records(const std::filesystem::path& log) {
  std::vector<std::string> names;
  rocksdb::DBOptions options;
  if (!rocksdb::DB::ListColumnFamilies(options, log.string(), &names).ok()) return 0;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  if (!rocksdb::DB::OpenForReadOnly(options, log.string(), families, &handles, &raw).ok()) return 0;
  const std::unique_ptr<rocksdb::DB> db(raw);
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == "log") {
      const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator({}, handles[i]));
      for (it->SeekToFirst(); it->Valid(); it->Next()) bytes += it->value().size();
    }
    (void)db->DestroyColumnFamilyHandle(handles[i]);
  }
  return bytes;
}

}  // namespace

int replay(const std::string& directory) {
  const auto layout = store::locate(directory, "main").value();
  const auto reader = replay::Reader::open(layout).value();
  std::vector<engine::Header> headers;
  headers.reserve(reader.last());
  reader.log()
      .scan(1, reader.last(),
            [&](const engine::Header& h, store::ByteView) {
              headers.push_back(h);
              return true;
            })
      .value();
  Rates scan, reduction, replayed, remade;
  for (int round = 0; round < 5; ++round) {
    auto begun = Clock::now();
    if (scan_records(layout.log()) == 0) {
      fmt::print("the log cannot be scanned\n");
      return 1;
    }
    scan.add(reader.last(), begun);
    begun = Clock::now();
    {
      engine::State state;
      std::vector<engine::Transition> transitions;
      for (const engine::Header& h : headers) {
        (void)engine::apply(state, h, transitions);
        transitions.clear();
      }
    }
    reduction.add(reader.last(), begun);
    const replay::Desk desk{layout, &reader, 0};
    replay::ReplayQuestion question;
    question.silent = true;
    begun = Clock::now();
    const auto done = replay::answer(desk, question, [](const replay::ReplayQuestion::Row&) {
                        return true;
                      }).value();
    replayed.add(done.events, begun);
    replay::WhatIf nothing;
    nothing.last = reader.last();
    begun = Clock::now();
    const auto made = replay::what_if(reader, nothing).value();
    remade.add(reader.last(), begun);
    if (done.divergence || made.actual_only + made.what_if_only != 0) {
      fmt::print("the replay differs from history\n");
      return 1;
    }
  }
  const double floor = std::min(scan.median(), reduction.median());
  fmt::print(
      "replay of {} events, medians of 5, M events/s\n  RocksDB scan alone     {:>6.2f}\n  "
      "reduction in memory    {:>6.2f}\n  replay into nothing    {:>6.2f}   {:.2f} of the slower "
      "floor\n  whatif, nothing changed {:>5.2f}   {:.2f} of replay\n",
      reader.last(), scan.median() / 1e6, reduction.median() / 1e6, replayed.median() / 1e6,
      replayed.median() / floor, remade.median() / 1e6, remade.median() / replayed.median());
  return 0;
}

}  // namespace rollcall::bench
