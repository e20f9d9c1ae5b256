// CPU of a question about one person, against a process that opens the log's RocksDB and reads a
// little.
#include "benchmarks/vault_bench.h"

#include "replay/reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/db.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

namespace rollcall::bench {
namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// User and system time of a child process, in milliseconds.
double cpu_of(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDOUT_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  rusage used{};
  if (child < 0 || ::wait4(child, &status, 0, &used) != child || !WIFEXITED(status) ||
      WEXITSTATUS(status) != 0)
    throw std::runtime_error("it failed: " + words[0]);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

}  // namespace

int floor(const std::string& directory) {
  const auto layout = store::locate(directory, "main").value();
  std::vector<std::string> names;
  rocksdb::DB::ListColumnFamilies({}, layout.log().string(), &names);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  if (!rocksdb::DB::OpenForReadOnly({}, layout.log().string(), families, &handles, &raw).ok())
    return 1;
  const std::unique_ptr<rocksdb::DB> db(raw);
  int got = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != "log") continue;
    const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator({}, handles[i]));
    for (it->SeekToLast(); it->Valid() && got < 16; it->Prev()) {
      std::string value;
      if (db->Get({}, handles[i], it->key(), &value).ok()) ++got;
    }
  }
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  return got == 16 ? 0 : 1;
}

int vault(const std::string& self, const std::string& directory, const std::string& program) {
  constexpr int kRounds = 9;
  constexpr store::UserNumber kNewest = 10'000;
  const auto layout = store::locate(directory, "main").value();
  std::vector<std::string> names;
  std::uint64_t events = 0;
  std::size_t users = 0;
  std::vector<double> lazy, whole;
  for (int round = 0; round < kRounds; ++round) {
    const auto took = [](const auto& work) {
      const auto start = std::chrono::steady_clock::now();
      work();
      return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
          .count();
    };
    lazy.push_back(took([&] {
      (void)store::Vault::open_to_read(layout.vault(), layout.app).value()->number_of("user-1");
    }));
    whole.push_back(took(
        [&] { (void)store::Vault::open(layout.vault(), layout.app).value().number_of("user-1"); }));
  }
  {
    const auto reader = replay::Reader::open(layout).value();
    events = reader.last();
    users = reader.vault()->users() - 1;
    std::mt19937_64 rng{17};
    for (int round = 0; round < kRounds; ++round) {
      const auto back =
          static_cast<store::UserNumber>(rng() % std::min<std::size_t>(kNewest, users));
      names.push_back(reader.user_text(static_cast<store::UserNumber>(users) - back));
    }
  }
  std::vector<double> floors, asked, ratios;
  for (const auto& name : names) {
    floors.push_back(cpu_of({self, "floor", directory}));
    asked.push_back(cpu_of({program, "-d", directory, "audit", "-u", name, "-n", "5"}));
    ratios.push_back(asked.back() / floors.back());
  }
  fmt::print(
      "a question about one person, {} events of {} users, median of {}\n"
      "  the vault opened, one name found  {:>8.2f} ms   (all unsealed: {:.0f} ms)\n"
      "  audit -u NAME -n 5, CPU           {:>8.1f} ms   (from {:.1f} to {:.1f})\n"
      "  bare RocksDB opened, 16 records   {:>8.1f} ms   ratio {:.2f}\n",
      events, users, kRounds, median(lazy), median(whole), median(asked),
      *std::min_element(asked.begin(), asked.end()), *std::max_element(asked.begin(), asked.end()),
      median(floors), median(ratios));
  return 0;
}

}  // namespace rollcall::bench
