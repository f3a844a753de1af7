#include "broker/page_cache.h"

#include <absl/strings/numbers.h>

#include <array>

#include "broker/meta_properties.h"

namespace leat::broker {
namespace {

constexpr std::string_view kRead = "read", kUnread = "unread";

std::string PathOf(const std::string& data_dir) { return env::JoinPath(data_dir, "page-cache.epoch"); }

// Empty where the kernel gives none.
std::string BootId(env::Disk& disk) {
  const absl::StatusOr<std::unique_ptr<env::File>> file =
      disk.Open("/proc/sys/kernel/random/boot_id", env::OpenMode::kRead);
  std::array<char, 64> buffer{};
  const absl::StatusOr<size_t> size = file.ok() ? (*file)->ReadAt(0, buffer.data(), buffer.size()) : file.status();
  const std::string_view id(buffer.data(), size.value_or(0));
  return std::string(id.substr(0, id.find('\n')));
}

struct Noted {
  int64_t epoch = -1;
  Logs logs = Logs::kUnread;
};

Noted NotedInPageCache(env::Disk& disk, const std::string& data_dir) {
  const absl::StatusOr<bool> exists = disk.Exists(PathOf(data_dir));
  if (!exists.ok() || !*exists) return {};
  const absl::StatusOr<std::string> text = env::ReadWholeFile(disk, PathOf(data_dir));
  if (!text.ok()) return {};
  Properties properties = ParseProperties(*text);
  Noted noted;
  const bool known = properties["version"] == "1" || properties["version"] == "2";
  const bool whole = known && properties["end"] == "1" && absl::SimpleAtoi(properties["epoch"], &noted.epoch) &&
                     !properties["boot"].empty();
  if (!whole || properties["boot"] != BootId(disk)) return {};
  // Programs that wrote no such line registered when they had read all.
  noted.logs = properties["logs"] == kUnread ? Logs::kUnread : Logs::kRead;
  return noted;
}

}  // namespace

int64_t EpochInPageCache(env::Disk& disk, const std::string& data_dir) {
  return NotedInPageCache(disk, data_dir).epoch;
}

bool LogsInPageCache(env::Disk& disk, const std::string& data_dir) {
  return NotedInPageCache(disk, data_dir).logs == Logs::kRead;
}

absl::Status NoteRegistration(env::Disk& disk, const std::string& data_dir, int64_t epoch, Logs logs) {
  const std::string boot = BootId(disk);
  if (boot.empty()) return absl::OkStatus();
  const std::string next = StrCat(PathOf(data_dir), ".next");
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file, disk.Open(next, env::OpenMode::kCreate));
  LEAT_RETURN_IF_ERROR(file->Truncate(0));
  // Programs that know of version 1 only would take all logs for read.
  const int version = logs == Logs::kRead ? 1 : 2;
  LEAT_RETURN_IF_ERROR(file->WriteAt(0, StrCat("version=", version, "\nboot=", boot, "\nepoch=", epoch,
                                               "\nlogs=", logs == Logs::kRead ? kRead : kUnread, "\nend=1\n")));
  return disk.Rename(next, PathOf(data_dir));
}

absl::Status DistrustPageCache(env::Disk& disk, const std::string& data_dir) {
  LEAT_ASSIGN_OR_RETURN(const bool exists, disk.Exists(PathOf(data_dir)));
  return exists ? disk.Remove(PathOf(data_dir)) : absl::OkStatus();
}

}  // namespace leat::broker
