// Sends three records to a topic and reads them back, with nothing but the installed package.
#include <leat/client/consumer.h>
#include <leat/client/producer.h>

#include <cstdio>

namespace {

using leat::client::Connection;

absl::Status Produce(const std::shared_ptr<Connection>& connection, const std::string& topic) {
  auto producer = leat::client::Producer::Create(connection, {});
  if (!producer.ok()) return producer.status();
  for (const char* word : {"water", "wheel", "mill"}) {
    if (auto sent = (*producer)->Send({.topic = topic, .key = word, .value = "from the example"}); !sent.ok())
      return sent;
  }
  return (*producer)->Flush();
}

absl::Status Consume(const std::shared_ptr<Connection>& connection, const std::string& topic) {
  auto consumer = leat::client::Consumer::Create(connection, {});
  if (!consumer.ok()) return consumer.status();
  if (auto assigned = (*consumer)->AssignTopic(topic); !assigned.ok()) return assigned;
  if (auto at_start = (*consumer)->SeekToBeginning(); !at_start.ok()) return at_start;
  while (true) {
    auto records = (*consumer)->Poll(absl::Seconds(1));
    if (!records.ok()) return records.status();
    if (records->empty()) return absl::OkStatus();
    for (const auto& record : *records) {
      std::printf("%s-%d@%lld %s\n", record.partition.topic.c_str(), record.partition.partition,
                  static_cast<long long>(record.offset), record.key.value_or("(no key)").c_str());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: example HOST:PORT TOPIC\n");
    return 2;
  }
  auto connection = Connection::Open({.address = argv[1]});
  absl::Status status = Produce(connection, argv[2]);
  if (status.ok()) status = Consume(connection, argv[2]);
  if (!status.ok()) {
    std::fprintf(stderr, "example: %s\n", status.ToString().c_str());
    return 1;
  }
  return 0;
}
