#include "tests/stream/format/format_fixture.h"

namespace leat::format {
namespace {

data::Schema Users() { return {{{"id", data::BigInt()}, {"city", data::String()}}}; }

// Each row with its kind, then the errors.
std::string Read(const FormatOptions& options, const std::vector<std::optional<std::string_view>>& records) {
  const data::Schema schema = Users();
  const std::vector<int> wanted = AllOf(schema);
  auto decoder = MakeDecoder("debezium-json", options, schema, wanted);
  LEAT_CHECK_OK(decoder.status());
  Decoded decoded = DecodeWith(**decoder, schema, wanted, records);
  decoded.batch.kinds.assign((*decoder)->kinds().begin(), (*decoder)->kinds().end());
  return decoded.ToString();
}

TEST(Debezium, TellsWhatARecordDoes) {
  EXPECT_EQ(Read({}, {R"({"before":null,"after":{"id":1,"city":"Ulm"},"source":{"table":"u"},"op":"c","ts_ms":1})",
                      R"({"op":"r","after":{"id":2,"city":"Bern"},"before":null})",
                      R"({"before":{"id":1,"city":"Ulm"},"after":{"id":1,"city":"Bern"},"op":"u"})",
                      R"({"before":{"id":2,"city":"Bern"},"after":null,"op":"d"})", std::nullopt}),
            "+I[1, Ulm]\n+I[2, Bern]\n-U[1, Ulm]\n+U[1, Bern]\n-D[2, Bern]\n");
}

TEST(Debezium, FindsTheChangeBehindASchema) {
  EXPECT_EQ(Read({{"schema-include", "true"}},
                 {R"({"schema":{"type":"struct"},"payload":{"before":null,"after":{"id":1,"city":"Ulm"},"op":"c"}})"}),
            "+I[1, Ulm]\n");
}

TEST(Debezium, SaysWhatIsWrongWithARecord) {
  EXPECT_EQ(Read({}, {R"({"before":null,"after":{"id":1,"city":"a"},"op":"u"})"}),
            "0: a record with op 'u' has no 'before' (in PostgreSQL, set REPLICA IDENTITY FULL on the table)\n");
  EXPECT_EQ(Read({}, {R"({"before":null,"after":{"id":1,"city":"a"},"op":"x"})"}),
            "0: expected an 'op' of c, r, u or d, got 'x'\n");
}

TEST(Debezium, AChangeOfWhichOnePartIsBadGivesNoRow) {
  const std::string text = Read({}, {R"({"before":{"id":1,"city":"a"},"after":{"id":"x","city":"b"},"op":"u"})",
                                     R"({"before":null,"after":{"id":2,"city":"c"},"op":"c"})"});
  EXPECT_EQ(text.substr(0, text.find('\n')), "+I[2, c]");
  EXPECT_NE(text.find("\n0: "), std::string::npos) << text;
}

TEST(Debezium, BadRecordsCanBeSkipped) {
  EXPECT_EQ(Read({{"ignore-parse-errors", "true"}}, {"{", "[]", R"({"op":"d","before":{"id":1,"city":"a"}})"}),
            "-D[1, a]\n");
}

TEST(Debezium, WritesAChangeAsADeleteAndACreate) {
  const data::Schema schema = Users();
  auto encoder = MakeEncoder("debezium-json", {}, schema);
  LEAT_CHECK_OK(encoder.status());
  data::Batch batch;
  batch.schema = std::make_shared<data::Schema>(schema);
  batch.rows = 4;
  auto id = std::make_shared<data::Column>(data::BigInt());
  auto city = std::make_shared<data::Column>(data::String());
  for (int i = 0; i < 4; ++i) {
    id->Append<int64_t>(i);
    city->AppendText("a");
  }
  batch.columns = {id, city};
  batch.kinds = {data::RowKind::kInsert, data::RowKind::kUpdateBefore, data::RowKind::kUpdateAfter,
                 data::RowKind::kDelete};
  std::string text;
  for (size_t row = 0; row < 4; ++row) {
    ASSERT_TRUE((*encoder)->Encode(batch, row, &text).ok());
    text += "\n";
  }
  EXPECT_EQ(text, R"({"before":null,"after":{"id":0,"city":"a"},"op":"c"}
{"before":{"id":1,"city":"a"},"after":null,"op":"d"}
{"before":null,"after":{"id":2,"city":"a"},"op":"c"}
{"before":{"id":3,"city":"a"},"after":null,"op":"d"}
)");
}

}  // namespace
}  // namespace leat::format
