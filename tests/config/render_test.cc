#include "config/render.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "config/keys.h"
#include "config/load.h"
#include "tests/support/source_dir.h"

namespace leat::config {
namespace {

using testing::HasSubstr;

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(RenderDefaultYaml, IsTheCommittedFile) {
  const std::string path = test::SourceDir() + "/config/broker.yaml";
  if (std::getenv("LEAT_REGENERATE") != nullptr) std::ofstream(path) << RenderDefaultYaml();
  EXPECT_EQ(ReadFile(path), RenderDefaultYaml()) << "run this test with LEAT_REGENERATE=1 and commit the file";
}

TEST(RenderDefaultYaml, LoadsAsTheDefaults) {
  const auto options = ParseBrokerOptions({.name = "broker.yaml", .text = RenderDefaultYaml()}, {});
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  const BrokerOptions defaults;
  for (const Key& key : Keys()) EXPECT_EQ(key.get(*options), key.get(defaults)) << key.name;
}

TEST(RenderDefaultYaml, SetsEveryKey) {
  // Every key that the file sets is refused when it is given again.
  for (const Key& key : Keys()) {
    const std::string twice = StrCat(RenderDefaultYaml(), "\n", key.name, ": x\n");
    const auto options = ParseBrokerOptions({.name = "broker.yaml", .text = twice}, {});
    EXPECT_THAT(std::string(Message(options.status())), HasSubstr(key.name + ": given twice")) << key.name;
  }
}

TEST(RenderReference, HasALineForEveryKey) {
  const std::string reference = RenderReference();
  for (const Key& key : Keys()) EXPECT_THAT(reference, HasSubstr("| `" + key.name + "` | `"));
  EXPECT_THAT(reference, HasSubstr("| `limits.request_bytes` | `32MiB` | size, 1KiB..1GiB | Largest request"));
  EXPECT_THAT(reference, HasSubstr("| `listeners.kafka` | `[127.0.0.1:9092]` |"));
}

TEST(Keys, AreCompleteAndTheirDefaultsAreAllowed) {
  for (const Key& key : Keys()) {
    EXPECT_FALSE(key.help.empty()) << key.name;
    EXPECT_TRUE(key.help.ends_with('.')) << key.name;
    BrokerOptions options;
    const std::string value = key.get(options);
    EXPECT_TRUE(key.set(options, value).ok()) << key.name << " = " << value;
    EXPECT_EQ(key.get(options), value) << key.name;
    const std::string_view group = GroupOf(key.name);
    EXPECT_EQ(GroupHelp(group).empty(), group.empty()) << key.name;
  }
}

TEST(Keys, HaveNamesOfTheirOwn) {
  for (const Key& key : Keys()) EXPECT_EQ(FindKey(key.name), &key);
}

}  // namespace
}  // namespace leat::config
