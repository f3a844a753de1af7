#include "broker/life.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include "broker/meta_properties.h"
#include "broker/page_cache.h"

namespace leat::broker {
namespace {

// Lives that never reached the controller; beyond it the oldest is forgotten.
constexpr size_t kMostEarlier = 10'000;
constexpr size_t kForgetAbove = 100;

std::string PathOf(const std::string& data_dir) { return env::JoinPath(data_dir, "broker.properties"); }

absl::Status Write(env::Disk& disk, const std::string& data_dir, const Life& life, int64_t clean_shutdown_epoch) {
  std::string text = StrCat("version=1\ndirectory.id=", life.directory.ToString(),
                            "\nincarnation=", life.incarnation.ToString(), "\nearlier=");
  for (size_t i = 0; i < life.earlier.size(); ++i) StrAppend(&text, i == 0 ? "" : ",", life.earlier[i].ToString());
  StrAppend(&text, "\nclean.shutdown.epoch=", clean_shutdown_epoch, "\n");
  return env::WriteFileAtomically(disk, PathOf(data_dir), text);
}

absl::StatusOr<Life> Parse(const std::string& text) {
  Properties properties = ParseProperties(text);
  if (properties["version"] != "1") {
    return FailedPrecondition("expected version=1, got version=", properties["version"],
                              ": this directory was written by another version of the broker");
  }
  Life life;
  LEAT_ASSIGN_OR_RETURN(life.directory, model::Uuid::Parse(properties["directory.id"]));
  LEAT_ASSIGN_OR_RETURN(life.incarnation, model::Uuid::Parse(properties["incarnation"]));
  for (const absl::string_view id : absl::StrSplit(properties["earlier"], ',', absl::SkipEmpty())) {
    LEAT_ASSIGN_OR_RETURN(life.earlier.emplace_back(), model::Uuid::Parse(ToStd(id)));
  }
  if (!absl::SimpleAtoi(properties["clean.shutdown.epoch"], &life.clean_shutdown_epoch)) {
    return DataLoss("expected a line clean.shutdown.epoch=.., got '", properties["clean.shutdown.epoch"], "'");
  }
  return life;
}

}  // namespace

absl::StatusOr<Life> BeginLife(env::Disk& disk, const std::string& data_dir, Random& random) {
  const std::string path = PathOf(data_dir);
  Life life;
  LEAT_ASSIGN_OR_RETURN(const bool exists, disk.Exists(path));
  if (exists) {
    LEAT_ASSIGN_OR_RETURN(const std::string text, env::ReadWholeFile(disk, path));
    absl::StatusOr<Life> before = Parse(text);
    if (!before.ok()) {
      return DataLoss(path, ": ", Message(before.status()),
                      ": remove the file; the node is then taken for one with a new, empty disk");
    }
    life = *std::move(before);
    life.earlier.push_back(life.incarnation);
    if (life.earlier.size() > kMostEarlier) life.earlier.erase(life.earlier.begin());
  } else {
    life.directory = model::Uuid::New(random);
  }
  life.incarnation = model::Uuid::New(random);
  LEAT_RETURN_IF_ERROR(Write(disk, data_dir, life, -1));
  // The end of a process alone is as good as an orderly stop: nothing that it has written is lost.
  if (life.clean_shutdown_epoch < 0) life.clean_shutdown_epoch = EpochInPageCache(disk, data_dir);
  return life;
}

absl::Status ConfirmLife(env::Disk& disk, const std::string& data_dir, Life* life) {
  if (life->earlier.size() <= kForgetAbove) return absl::OkStatus();
  life->earlier.clear();
  return Write(disk, data_dir, *life, -1);
}

absl::Status EndLife(env::Disk& disk, const std::string& data_dir, const Life& life, int64_t epoch) {
  Life last = life;
  last.earlier.clear();
  return Write(disk, data_dir, last, epoch);
}

}  // namespace leat::broker
