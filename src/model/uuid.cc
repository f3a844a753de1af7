#include "model/uuid.h"

#include <absl/strings/escaping.h>

#include "base/bytes.h"

namespace leat::model {

Uuid Uuid::New(Random& random) {
  Uuid id;
  while (id.high == 0) id = {random.Next(), random.Next()};
  return id;
}

absl::StatusOr<Uuid> Uuid::Parse(std::string_view text) {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(ToAbsl(text), &bytes) || bytes.size() != 16) {
    return InvalidArgument("expected an id of 22 characters of URL-safe base64, got '", text.substr(0, 100), "'");
  }
  return Uuid{LoadBigEndian<uint64_t>(bytes.data()), LoadBigEndian<uint64_t>(bytes.data() + 8)};
}

std::string Uuid::ToString() const {
  char bytes[16];
  StoreBigEndian(bytes, high);
  StoreBigEndian(bytes + 8, low);
  return absl::WebSafeBase64Escape(absl::string_view(bytes, sizeof(bytes)));
}

}  // namespace leat::model
