// Frames that real clients and Apache Kafka 4.3 sent, captured by capture/capture.py and by_hand.py: they decode, our
// encoder makes the same bytes of them, and their fields are those that the file says. LEAT_UPDATE_GOLDEN=1 writes the
// fields anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/source_dir.h"
#include "tests/wire/any_message.h"
#include "wire/apis.h"
#include "wire/header.h"

namespace leat::wire {
namespace {

constexpr size_t kBudget = 1 << 20;

struct Golden {
  std::string path;
  bool is_response = false;
  int16_t key = 0;
  int16_t version = 0;
  std::string first_line;  // says also who sent it
  std::string hex;         // as in the file
  std::string frame;
  std::string fields;
};

Golden Load(const std::string& path) {
  Golden golden{.path = path};
  std::ifstream file(path);
  std::getline(file, golden.first_line);
  std::istringstream first(golden.first_line);
  std::string direction;
  first >> direction >> golden.key >> golden.version;
  golden.is_response = direction == "response";
  for (std::string line; std::getline(file, line) && !line.empty();) {
    golden.hex += line + "\n";
    for (size_t i = 0; i + 1 < line.size(); i += 2) {
      golden.frame.push_back(static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16)));
    }
  }
  std::ostringstream rest;
  rest << file.rdbuf();
  golden.fields = rest.str();
  return golden;
}

std::vector<Golden> LoadAll() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(test::SourceDir() + "/tests/wire/golden")) {
    paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Golden> all;
  for (const std::string& path : paths) all.push_back(Load(path));
  return all;
}

struct Decoded {
  std::string frame;   // encoded again
  std::string fields;  // printed
};

absl::StatusOr<Decoded> DecodeHeader(const Golden& golden, Reader& in) {
  Writer out;
  Decoded decoded;
  if (golden.is_response) {
    int32_t correlation_id = 0;
    LEAT_RETURN_IF_ERROR(DecodeResponseHeader(in, golden.key, golden.version, &correlation_id));
    EncodeResponseHeader(out, golden.key, golden.version, correlation_id);
    decoded.fields = StrCat("correlation_id: ", correlation_id, "\n");
  } else {
    RequestHeader header;
    LEAT_RETURN_IF_ERROR(DecodeRequestHeader(in, &header));
    EncodeRequestHeader(out, header);
    decoded.fields =
        StrCat("correlation_id: ", header.correlation_id, "\nclient_id: ", header.client_id.value_or("null"), "\n");
  }
  decoded.frame = out.TakeString();
  return decoded;
}

absl::StatusOr<Decoded> Decode(const Golden& golden) {
  const AnyMessage* message = FindMessage(golden.key, golden.is_response);
  Reader in(golden.frame, kBudget);
  LEAT_ASSIGN_OR_RETURN(Decoded decoded, DecodeHeader(golden, in));
  const std::string_view body = std::string_view(golden.frame).substr(in.position());
  Reader in_body(body, kBudget);
  LEAT_ASSIGN_OR_RETURN(const std::string again, message->reencode(in_body, golden.version));
  Reader in_print(body, kBudget);
  LEAT_ASSIGN_OR_RETURN(const std::string fields, message->print(in_print, golden.version));
  decoded.frame += again;
  decoded.fields += fields;
  return decoded;
}

TEST(Golden, FramesOfRealClientsAndBrokersAreReadAndWrittenAsTheyAre) {
  const bool update = std::getenv("LEAT_UPDATE_GOLDEN") != nullptr;
  for (const Golden& golden : LoadAll()) {
    SCOPED_TRACE(golden.path);
    const absl::StatusOr<Decoded> decoded = Decode(golden);
    ASSERT_EQ(decoded.status(), absl::OkStatus());
    EXPECT_EQ(decoded->frame, golden.frame);
    if (update) {
      std::ofstream(golden.path) << golden.first_line << "\n" << golden.hex << "\n" << decoded->fields;
    } else {
      EXPECT_EQ(decoded->fields, golden.fields);
    }
  }
}

TEST(Golden, FramesOfRealClientsFailWhereverTheyAreCutOff) {
  for (const Golden& golden : LoadAll()) {
    SCOPED_TRACE(golden.path);
    for (size_t length = 0; length < std::min<size_t>(golden.frame.size(), 800); ++length) {
      Golden cut = golden;
      cut.frame = golden.frame.substr(0, length);
      ASSERT_FALSE(Decode(cut).ok()) << length;
    }
  }
}

// Kafka lists Produce 0 to 2 for the sake of old clients and closes the connection of who sends them.
bool WasNeverSpoken(const ApiInfo& api, int16_t version) { return api.name == "Produce" && version < 3; }

TEST(Golden, ThereIsOneOfEveryVersionInBothDirections) {
  std::set<std::tuple<int16_t, int16_t, bool>> seen;
  for (const Golden& golden : LoadAll()) seen.emplace(golden.key, golden.version, golden.is_response);
  for (const ApiInfo& api : Apis()) {
    for (int16_t version = api.min_version; version <= api.max_version; ++version) {
      if (WasNeverSpoken(api, version)) continue;
      EXPECT_TRUE(seen.contains({api.key, version, false})) << api.name << " request " << version;
      EXPECT_TRUE(seen.contains({api.key, version, true})) << api.name << " response " << version;
    }
  }
}

}  // namespace
}  // namespace leat::wire
