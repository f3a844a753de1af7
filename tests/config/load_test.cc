#include "config/load.h"

#include <fstream>
#include <sstream>

#include "config/keys.h"
#include "config/render.h"
#include "runtime/posix_disk.h"
#include "tests/runtime/temp_directory.h"
#include "tests/support/source_dir.h"

namespace leat::config {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

absl::StatusOr<BrokerOptions> Parse(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
  return ParseBrokerOptions({.name = "broker.yaml", .text = yaml}, overrides);
}

std::string ErrorOf(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
  const auto options = Parse(yaml, overrides);
  EXPECT_FALSE(options.ok()) << yaml;
  EXPECT_TRUE(options.ok() || options.status().code() == absl::StatusCode::kInvalidArgument);
  return std::string(Message(options.status()));
}

// All values, one a line.
std::string Dump(const BrokerOptions& options) {
  std::string text;
  for (const Key& key : Keys()) StrAppend(&text, key.name, "=", key.get(options), "\n");
  return text;
}

TEST(ParseBrokerOptions, NothingGivesTheDefaults) {
  for (const char* yaml : {"", "# only a comment\n", "---\n", "listeners:\n"}) {
    const auto options = Parse(yaml);
    ASSERT_TRUE(options.ok()) << options.status().ToString();
    EXPECT_EQ(Dump(*options), Dump(BrokerOptions()));
  }
}

TEST(ParseBrokerOptions, ReadsEveryTypeOfValue) {
  const auto options = Parse(
      "node_id: 7\n"
      "data_dir: /var/lib/leat\n"
      "listeners: {kafka: '0.0.0.0:9092', grpc: '[::1]:0'}\n"
      "log:\n  segment_bytes: 64MiB\n  segment_age: 1h30m\n  durability: page-cache\n  retention_age: unlimited\n"
      "  retention_bytes: 5GiB\n"
      "topics:\n  auto_create: false\n"
      "logging.level: debug\n");
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  EXPECT_EQ(options->node_id, 7);
  EXPECT_EQ(options->data_dir, "/var/lib/leat");
  EXPECT_EQ(options->listeners.kafka, std::vector<std::string>{"0.0.0.0:9092"});
  EXPECT_EQ(options->listeners.grpc, "[::1]:0");
  EXPECT_EQ(options->listeners.admin, "127.0.0.1:9096");
  EXPECT_EQ(options->log.segment_bytes, 64 << 20);
  EXPECT_EQ(options->log.segment_age, absl::Minutes(90));
  EXPECT_EQ(options->log.durability, log::Durability::kPageCache);
  EXPECT_EQ(options->log.retention_age, absl::InfiniteDuration());
  EXPECT_EQ(options->log.retention_bytes, int64_t{5} << 30);
  EXPECT_FALSE(options->topics.auto_create);
  EXPECT_EQ(options->logging.level, LogLevel::kDebug);
}

TEST(ParseBrokerOptions, OverridesWinOverTheFile) {
  const auto options = Parse("limits:\n  topics: 5\n  connections: 6\n", {"limits.topics=8", "listeners.kafka="});
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  EXPECT_EQ(options->limits.topics, 8);
  EXPECT_EQ(options->limits.connections, 6);
}

TEST(ParseBrokerOptions, NamesFileLineKeyAndWhatWasExpected) {
  EXPECT_EQ(ErrorOf("node_id: 1\n\nlisteners:\n  grpc: 127.0.0.1:1\n  kafka: 9092\n"),
            "config: broker.yaml:5: listeners.kafka: expected host:port with a port in 0..65535, such as "
            "127.0.0.1:9095, got '9092'");
  EXPECT_EQ(ErrorOf("shards: 5000\n"), "config: broker.yaml:1: shards: expected a value in 0..1024, got '5000'");
  EXPECT_EQ(ErrorOf("log: {segment_bytes: 5KiB}\n"),
            "config: broker.yaml:1: log.segment_bytes: expected a value in 1MiB..1TiB, got '5KiB'");
  EXPECT_EQ(ErrorOf("log: {durability: sync}\n"),
            "config: broker.yaml:1: log.durability: expected one of fsync, page-cache, got 'sync'");
  EXPECT_EQ(ErrorOf("topics:\n  auto_create: yes\n"),
            "config: broker.yaml:2: topics.auto_create: expected true or false, got 'yes'");
}

TEST(ParseBrokerOptions, ReportsAllMistakesAtOnce) {
  EXPECT_EQ(ErrorOf("shards: many\nlisteners:\n  grcp: 127.0.0.1:1\ntopics:\n  default_partitions: 0\n", {"nodeid=3"}),
            "config: broker.yaml:1: shards: expected a whole number, got 'many'\n"
            "config: broker.yaml:3: listeners.grcp: unknown key; did you mean listeners.grpc?\n"
            "config: broker.yaml:5: topics.default_partitions: expected a value in 1..100000, got '0'\n"
            "config: --set nodeid=3: nodeid: unknown key; did you mean node_id?");
}

TEST(ParseBrokerOptions, RefusesCopiesThatCannotBe) {
  EXPECT_EQ(ErrorOf("topics:\n  replication_factor: 2\n"),
            "config: broker.yaml:2: topics.replication_factor: expected 0 or 1, because this broker is alone "
            "(cluster.voters is empty), got 2");
  EXPECT_EQ(ErrorOf("topics:\n  min_insync_replicas: 2\n"),
            "config: broker.yaml:2: topics.min_insync_replicas: expected at most the copies that a topic has by "
            "topics.replication_factor, 1, got 2: no write with acks=all could be acknowledged");
}

TEST(ParseBrokerOptions, RefusesAKeyGivenTwice) {
  EXPECT_EQ(ErrorOf("shards: 1\nnode_id: 2\nshards: 1\n"),
            "config: broker.yaml:3: shards: given twice; the first is at broker.yaml:1");
  EXPECT_EQ(ErrorOf("listeners:\n  kafka: ''\nlisteners.kafka: ''\n"),
            "config: broker.yaml:3: listeners.kafka: given twice; the first is at broker.yaml:2");
  EXPECT_EQ(ErrorOf("", {"shards=1", "shards=2"}), "config: --set shards=2: shards: set twice");
}

TEST(ParseBrokerOptions, AGroupGivenTwiceWithOtherKeysIsFine) {
  const auto options = Parse("limits:\n  topics: 5\nlimits:\n  connections: 6\n");
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  EXPECT_EQ(options->limits.topics, 5);
  EXPECT_EQ(options->limits.connections, 6);
}

TEST(ParseBrokerOptions, RefusesEveryKeyWhenMisspelt) {
  for (const Key& key : Keys()) {
    // Doubling the last letter is one edit away from the right name and from no other key.
    const std::string misspelt = key.name + key.name.back();
    const std::string hint = misspelt + ": unknown key; did you mean " + key.name + "?";
    EXPECT_EQ(ErrorOf(StrCat(misspelt, ": 1\n")), StrCat("config: broker.yaml:1: ", hint));
    EXPECT_EQ(ErrorOf("", {misspelt + "=1"}), StrCat("config: --set ", misspelt, "=1: ", hint));
    const std::string_view group = GroupOf(key.name);
    if (group.empty()) continue;
    const std::string leaf = misspelt.substr(group.size() + 1);
    EXPECT_EQ(ErrorOf(StrCat(group, ":\n  ", leaf, ": 1\n")), StrCat("config: broker.yaml:2: ", hint));
    EXPECT_THAT(ErrorOf(StrCat(group, "x: {", leaf, ": 1}\n")),
                HasSubstr(StrCat(group, "x: unknown key; did you mean ", group, "?")));
  }
}

TEST(ParseBrokerOptions, RefusesEveryKeyWithAMapAListOrNothing) {
  for (const Key& key : Keys()) {
    const std::string start = StrCat("config: broker.yaml:1: ", key.name, ": expected ");
    EXPECT_THAT(ErrorOf(StrCat(key.name, ": {a: 1}\n")), StartsWith(start));
    if (key.shape == Shape::kScalar) {
      EXPECT_THAT(ErrorOf(StrCat(key.name, ": [1]\n")), StartsWith(start));
    }
    EXPECT_THAT(ErrorOf(StrCat(key.name, ":\n")), StartsWith(start));
  }
}

TEST(ParseBrokerOptions, RefusesAGroupThatIsAValue) {
  EXPECT_THAT(ErrorOf("listeners: 9092\n"), StartsWith("config: broker.yaml:1: listeners: expected keys below it"));
}

TEST(ParseBrokerOptions, RefusesWhatIsNotAMapOfKeys) {
  EXPECT_THAT(ErrorOf("- a\n- b\n"), HasSubstr("broker.yaml:1: expected 'key: value' lines"));
  EXPECT_THAT(ErrorOf("shards: 1\n  node_id: [\n"), HasSubstr("config: broker.yaml:2: this is not YAML"));
  EXPECT_THAT(ErrorOf("shards: 1\n---\nshards: 2\n"), HasSubstr("expected one YAML document"));
  EXPECT_THAT(ErrorOf("? [a, b]\n: 1\n"), HasSubstr("expected the name of a key"));
}

TEST(ParseBrokerOptions, SurvivesDeepAndAliasedYaml) {
  EXPECT_THAT(ErrorOf("a: " + std::string(100000, '[')), HasSubstr("config: broker.yaml:1:"));
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) StrAppend(&bomb, "a", i, ": &a", i, " [*a", i - 1, ", *a", i - 1, "]\n");
  EXPECT_THAT(ErrorOf(bomb), HasSubstr("a39: unknown key"));
}

TEST(ParseBrokerOptions, RefusesOverridesWithoutAValue) {
  EXPECT_EQ(ErrorOf("", {"shards"}), "config: --set shards: expected key=value");
}

TEST(ParseBrokerOptions, RefusesValuesThatContradictEachOther) {
  EXPECT_EQ(ErrorOf("limits:\n  request_bytes: 512MiB\n"),
            "config: broker.yaml:2: limits.request_bytes: expected at most limits.inflight_bytes, which is 256MiB, got "
            "512MiB");
  EXPECT_EQ(
      ErrorOf("", {"jobs.restart_backoff_max=1ms"}),
      "config: default: jobs.restart_backoff: expected at most jobs.restart_backoff_max, which is 1ms, got 100ms");
  EXPECT_EQ(ErrorOf("listeners: {kafka: '127.0.0.1:9095'}"),
            "config: broker.yaml:1: listeners.kafka: expected another address than listeners.grpc's 127.0.0.1:9095");
  EXPECT_TRUE(Parse("listeners: {kafka: '127.0.0.1:0', grpc: '127.0.0.1:0', admin: '127.0.0.1:0'}").ok());
}

TEST(ParseBrokerOptions, TakesSeveralKafkaListenersAndTheirAdvertisedAddresses) {
  const auto options = Parse(
      "listeners: {kafka: ['127.0.0.1:0', 'internal://[::1]:9094']}\nadvertised.kafka: internal://broker-1:9094\n");
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  EXPECT_EQ(options->listeners.kafka, (std::vector<std::string>{"127.0.0.1:0", "internal://[::1]:9094"}));
  EXPECT_EQ(options->advertised.kafka, std::vector<std::string>{"internal://broker-1:9094"});
}

TEST(ParseBrokerOptions, RefusesKafkaListenersThatCannotBeToldApart) {
  EXPECT_EQ(ErrorOf("listeners: {kafka: ['127.0.0.1:1', '127.0.0.1:2']}"),
            "config: broker.yaml:1: listeners.kafka: expected each listener's name once, got 'default' twice; name "
            "them, as in internal://host:9094");
  EXPECT_EQ(ErrorOf("advertised: {kafka: 'outside://broker:1'}"),
            "config: broker.yaml:1: advertised.kafka: expected the name of one of listeners.kafka, got 'outside'");
  EXPECT_EQ(ErrorOf("listeners: {kafka: 'In Side://h:1'}"),
            "config: broker.yaml:1: listeners.kafka: expected a listener's name of a-z, 0-9, - and _ before ://, such "
            "as internal://host:9092, got 'In Side://h:1'");
}

// A node of a cluster; `more` is added to it.
std::string ErrorOfNode(const std::vector<std::string>& more) {
  std::vector<std::string> overrides = {"listeners.internal=127.0.0.1:9194", "cluster.secret_file=secret",
                                        "cluster.voters=1@127.0.0.1:9194,2@127.0.0.1:9294"};
  for (const std::string& one : more) {
    const std::string key = one.substr(0, one.find('=') + 1);
    std::erase_if(overrides, [&](const std::string& text) { return text.starts_with(key); });
    overrides.push_back(one);
  }
  const auto options = Parse("", overrides);
  return options.ok() ? "" : std::string(Message(options.status()));
}

TEST(ParseBrokerOptions, TakesANodeOfACluster) {
  EXPECT_EQ(ErrorOfNode({}), "");
  EXPECT_EQ(ErrorOfNode({"node_id=2", "listeners.internal=0.0.0.0:9294"}), "");
  EXPECT_EQ(ErrorOfNode({"node_id=3", "listeners.internal=127.0.0.1:0"}), "") << "not a voter";
  EXPECT_EQ(ErrorOfNode({"node_id=3", "listeners.internal=0.0.0.0:1", "advertised.internal=node-3:9394"}), "");
  EXPECT_EQ(ErrorOfNode({"listeners.internal=0.0.0.0:1", "advertised.internal=127.0.0.1:9194"}), "");
}

TEST(ParseBrokerOptions, RefusesAClusterWithoutListenerSecretOrVoters) {
  EXPECT_EQ(ErrorOf("cluster: {voters: '1@h:1'}"),
            "config: broker.yaml:1: cluster.voters: expected listeners.internal too, where the other nodes reach this "
            "one");
  EXPECT_THAT(ErrorOf("advertised: {internal: 'h:1'}"), HasSubstr("advertised.internal: expected listeners.internal"));
  EXPECT_THAT(ErrorOfNode({"cluster.secret_file="}), HasSubstr("cluster.secret_file: expected a file with"));
  EXPECT_THAT(ErrorOfNode({"cluster.voters="}), HasSubstr("cluster.voters: expected the nodes that keep"));
}

TEST(ParseBrokerOptions, RefusesVotersThatCannotBeToldApart) {
  EXPECT_THAT(ErrorOfNode({"cluster.voters=1@127.0.0.1:9194,1@127.0.0.1:9294"}),
              HasSubstr("cluster.voters: expected each node once, got node 1 twice"));
  EXPECT_THAT(ErrorOfNode({"cluster.voters=1@127.0.0.1:9194,2@127.0.0.1:9194"}),
              HasSubstr("expected an address of its own for each node, got 127.0.0.1:9194 for nodes 1 and 2"));
  EXPECT_THAT(ErrorOfNode({"cluster.voters=127.0.0.1:9194"}),
              HasSubstr("expected id@host:port with a port in 1..65535"));
}

TEST(ParseBrokerOptions, RefusesANodeThatTheOthersWouldLookForElsewhere) {
  EXPECT_THAT(ErrorOfNode({"listeners.internal=127.0.0.1:9999"}),
              HasSubstr("listeners.internal: expected the port of this node (node_id 1) in cluster.voters, 9194, got "
                        "9999"));
  EXPECT_THAT(ErrorOfNode({"advertised.internal=other:9194"}),
              HasSubstr("advertised.internal: expected this node's address in cluster.voters, 127.0.0.1:9194, got "
                        "other:9194"));
  EXPECT_THAT(ErrorOfNode({"node_id=3", "listeners.internal=0.0.0.0:9394"}),
              HasSubstr("advertised.internal: expected an address that the other nodes can connect to"));
  EXPECT_THAT(ErrorOfNode({"node_id=3", "advertised.internal=h:0"}), HasSubstr("expected a port in 1..65535"));
}

TEST(ParseBrokerOptions, RefusesAnInternalListenerThatIsAnotherOnes) {
  for (const char* key : {"listeners.grpc", "listeners.admin", "listeners.kafka"}) {
    EXPECT_THAT(ErrorOfNode({StrCat(key, "=127.0.0.1:9194")}),
                HasSubstr("listeners.internal: expected an address that no other listener has"))
        << key;
  }
}

TEST(LoadBrokerOptions, ReadsTheSecretOfTheCluster) {
  const runtime::TempDirectory directory;
  runtime::PosixDisk disk;
  const std::string path = directory.Path("secret");
  const auto load = [&] { return LoadBrokerOptions(disk, "", {"cluster.secret_file=" + path}).status(); };
  EXPECT_THAT(std::string(Message(load())),
              StartsWith(StrCat("config: cluster.secret_file: open ", path, ": No such file")));
  ASSERT_TRUE(env::WriteFileAtomically(disk, path, "short").ok());
  EXPECT_THAT(std::string(Message(load())), HasSubstr("expected a secret of 16 to 4096 bytes"));
  ASSERT_TRUE(env::WriteFileAtomically(disk, path, "0123456789abcdef\n").ok());
  EXPECT_TRUE(load().ok());
}

TEST(LoadBrokerOptions, TakesTheExampleOfThreeNodes) {
  std::vector<BrokerOptions> nodes;
  for (const int node : {1, 2, 3}) {
    std::ifstream file(StrCat(test::SourceDir(), "/config/cluster/", node, ".yaml"));
    std::ostringstream text;
    text << file.rdbuf();
    auto options = Parse(text.str());
    ASSERT_TRUE(options.ok()) << options.status();
    EXPECT_EQ(options->node_id, node);
    nodes.push_back(*std::move(options));
  }
  for (const BrokerOptions& node : nodes) {
    EXPECT_EQ(node.cluster.voters, nodes[0].cluster.voters);
    EXPECT_EQ(node.cluster.voters.size(), 3u);
    EXPECT_EQ(node.cluster.secret_file, nodes[0].cluster.secret_file);
  }
  EXPECT_NE(nodes[0].data_dir, nodes[1].data_dir);
}

TEST(LoadBrokerOptions, ReadsAFile) {
  const runtime::TempDirectory directory;
  runtime::PosixDisk disk;
  ASSERT_TRUE(env::WriteFileAtomically(disk, directory.Path("b.yaml"), "node_id: 9\n").ok());
  const auto options = LoadBrokerOptions(disk, directory.Path("b.yaml"), {"shards=3"});
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  EXPECT_EQ(options->node_id, 9);
  EXPECT_EQ(options->shards, 3);
}

TEST(LoadBrokerOptions, AMissingFileIsNotFoundAndNoFileIsFine) {
  runtime::PosixDisk disk;
  const auto missing = LoadBrokerOptions(disk, "/nowhere/broker.yaml", {});
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Message(missing.status()), "config: open /nowhere/broker.yaml: No such file or directory");
  EXPECT_TRUE(LoadBrokerOptions(disk, "", {}).ok());
}

TEST(LoadBrokerOptions, RefusesAHugeFileUnread) {
  const runtime::TempDirectory directory;
  runtime::PosixDisk disk;
  const auto file = disk.Open(directory.Path("b.yaml"), env::OpenMode::kCreate);
  ASSERT_TRUE((*file)->Truncate(uint64_t{1} << 40).ok());
  EXPECT_THAT(std::string(Message(LoadBrokerOptions(disk, directory.Path("b.yaml"), {}).status())),
              HasSubstr("expected at most 1048576 bytes"));
}

}  // namespace
}  // namespace leat::config
