#include "tools/leat/producer_flags.h"

#include "base/status.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

const std::map<std::string, client::Compression> kCompressions = {{"none", client::Compression::kNone},
                                                                  {"gzip", client::Compression::kGzip},
                                                                  {"snappy", client::Compression::kSnappy},
                                                                  {"lz4", client::Compression::kLz4},
                                                                  {"zstd", client::Compression::kZstd}};
const std::map<std::string, client::ProducerOptions::Acks> kAcks = {{"all", client::ProducerOptions::Acks::kAll},
                                                                    {"leader", client::ProducerOptions::Acks::kLeader},
                                                                    {"none", client::ProducerOptions::Acks::kNone}};

}  // namespace

void AddProducerFlags(CLI::App* command, ProducerFlags* flags) {
  command->add_option("--rate", flags->records_per_second, "records per second; 0: as fast as it goes")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--compression", flags->compression, "none, gzip, snappy, lz4 or zstd")
      ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}))
      ->capture_default_str();
  command->add_option("--acks", flags->acks, "who must have a record: all, leader or none")
      ->check(CLI::IsMember({"all", "leader", "none"}))
      ->capture_default_str();
  command->add_option("--batch-bytes", flags->options.batch_bytes, "send a batch when it has this many bytes")
      ->check(CLI::Range(1, 16 << 20))
      ->capture_default_str();
  command->add_option("--linger", flags->linger, "or when its first record has waited this long")
      ->capture_default_str();
}

void SettleProducerFlags(ProducerFlags* flags) {
  const absl::StatusOr<absl::Duration> linger = ParseDurationText(flags->linger);
  if (!linger.ok()) ThrowUsage(StrCat("--linger: ", Message(linger.status())));
  flags->options.linger = *linger;
  flags->options.compression = kCompressions.at(flags->compression);
  flags->options.acks = kAcks.at(flags->acks);
}

}  // namespace leat::tool
