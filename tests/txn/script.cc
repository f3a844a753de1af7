#include "tests/txn/script.h"

#include <charconv>
#include <sstream>

#include "base/check.h"

namespace leat::txn {
namespace {

int64_t Number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  LEAT_CHECK(error == std::errc() && end == text.data() + text.size()) << "not a number: " << text;
  return value;
}

Identity Producer(std::string id, const std::string& text) {
  const size_t slash = text.find('/');
  LEAT_CHECK(slash != std::string::npos) << "expected PRODUCER/EPOCH, got " << text;
  return {std::move(id), model::ProducerId(Number(text.substr(0, slash))),
          static_cast<int16_t>(Number(text.substr(slash + 1)))};
}

std::vector<model::TopicPartition> Partitions(const std::vector<std::string>& words, size_t from) {
  std::vector<model::TopicPartition> partitions;
  for (size_t i = from; i < words.size(); ++i) {
    const size_t dash = words[i].rfind('-');
    partitions.push_back(
        {words[i].substr(0, dash), model::PartitionId(static_cast<int32_t>(Number(words[i].substr(dash + 1))))});
  }
  return partitions;
}

std::string List(const std::set<model::TopicPartition>& partitions) {
  std::string text;
  for (const model::TopicPartition& partition : partitions) StrAppend(&text, " ", partition.ToString());
  return text;
}

std::string Describe(const Transaction& t) {
  std::string text = StrCat(StateName(t.state), " ", t.producer_id, "/", t.producer_epoch);
  if (t.last_producer_epoch != kNoEpoch) StrAppend(&text, " last=", t.last_producer_epoch);
  if (t.previous_producer_id != kNoProducerId) StrAppend(&text, " previous=", t.previous_producer_id);
  if (t.next_producer_id != kNoProducerId) StrAppend(&text, " next=", t.next_producer_id);
  StrAppend(&text, " timeout=", t.timeout_ms, " start=", t.start_ms, " update=", t.last_update_ms,
            " version=", static_cast<int>(t.client_version));
  return StrCat(text, List(t.partitions));
}

Version VersionOf(const std::string& word) {
  LEAT_CHECK(word == "v0" || word == "v1" || word == "v2") << "not a version: " << word;
  return static_cast<Version>(word[1] - '0');
}

}  // namespace

Script::Script() : core_(limits_) {}

std::string Script::Run(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    StrAppend(&out_, line, "\n");
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::vector<std::string> all;
    for (std::string word; words >> word;) all.push_back(word);
    RunLine(all);
  }
  return std::move(out_);
}

void Script::Apply(const Record& record) {
  log_.push_back(record);
  LEAT_CHECK_OK(core_.Replay(record.key, record.value, now()));
}

void Script::Print(const std::string& id, const Decision& decision) {
  if (decision.record) {
    Apply(*decision.record);
    const Transaction* at = core_.Find(id);
    StrAppend(&out_, "  record ", at == nullptr ? "tombstone" : Describe(*at), "\n");
  }
  if (decision.used_fresh_id) ++next_id_;
  StrAppend(&out_, "  reply ", model::ErrorName(decision.code));
  if (decision.ok() && decision.producer_id != kNoProducerId) {
    StrAppend(&out_, " ", decision.producer_id, "/", decision.producer_epoch);
  }
  if (!decision.ok()) StrAppend(&out_, ": ", decision.message);
  StrAppend(&out_, "\n");
  if (decision.markers) {
    StrAppend(&out_, "  markers ", decision.markers->result == Result::kCommit ? "commit" : "abort", " ",
              decision.markers->producer_id, "/", decision.markers->producer_epoch, List(decision.markers->partitions),
              "\n");
  }
}

void Script::Restart() {
  core_ = Core(limits_);
  for (const Record& record : log_) LEAT_CHECK_OK(core_.Replay(record.key, record.value, now()));
  for (const Markers& markers : core_.Unfinished()) {
    StrAppend(&out_, "  resume ", markers.transactional_id, " ", markers.result == Result::kCommit ? "commit" : "abort",
              " ", markers.producer_id, "/", markers.producer_epoch, List(markers.partitions), "\n");
  }
}

void Script::RunLine(const std::vector<std::string>& words) {
  const std::string& what = words[0];
  if (what == "init") {
    InitProducerId command;
    command.producer.transactional_id = words.size() > 1 ? words[1] : "";
    for (size_t i = 2; i < words.size(); ++i) {
      if (words[i].starts_with("timeout=")) command.timeout_ms = static_cast<int32_t>(Number(words[i].substr(8)));
      if (words[i].starts_with("as=")) command.producer = Producer(words[1], words[i].substr(3));
    }
    Print(command.producer.transactional_id, core_.Decide(command, fresh(), now()));
  } else if (what == "add") {
    Print(words[1],
          core_.Decide(AddPartitions{Producer(words[1], words[2]), Partitions(words, 4), VersionOf(words[3])}, now()));
  } else if (what == "verify") {
    const AddPartitions command{Producer(words[1], words[2]), Partitions(words, 3)};
    for (const model::ErrorCode code : core_.Verify(command)) StrAppend(&out_, "  ", model::ErrorName(code), "\n");
  } else if (what == "end") {
    const EndTransaction command{Producer(words[1], words[2]), words[4] == "commit" ? Result::kCommit : Result::kAbort,
                                 VersionOf(words[3])};
    Print(words[1], core_.Decide(command, fresh(), now()));
  } else if (what == "complete") {
    Print(words[1], core_.Complete(words[1], now()));
  } else if (what == "advance") {
    monotonic_ = monotonic_ + absl::Milliseconds(Number(words[1]));
    wall_ms_ += Number(words[1]);
  } else if (what == "expire") {
    for (const std::string& id : core_.Expired(monotonic_)) Print(id, core_.Expire(id, now()));
  } else if (what == "forget") {
    for (const std::string& id : core_.Unused(wall_ms_)) Print(id, core_.Forget(id, wall_ms_));
  } else if (what == "epoch") {
    Transaction transaction = *core_.Find(words[1]);
    transaction.producer_epoch = static_cast<int16_t>(Number(words[2]));
    Apply({EncodeKey(words[1]), EncodeValue(transaction)});
  } else if (what == "restart") {
    Restart();
  } else {
    LEAT_CHECK(false) << "not a command: " << what;
  }
}

}  // namespace leat::txn
