#include <benchmark/benchmark.h>

#include "base/check.h"
#include "base/random.h"
#include "stream/format/format.h"

namespace leat::format {
namespace {

// A card transaction of 22 fields and about 500 bytes, as the fraud job reads it.
data::Schema Transaction() {
  using data::BigInt, data::Decimal, data::Double, data::Int, data::String, data::Timestamp;
  return {{{"index", BigInt()},     {"trans_date_trans_time", Timestamp(3)},
           {"cc_num", String()},    {"merchant", String()},
           {"category", String()},  {"amt", Decimal(10, 2)},
           {"first", String()},     {"last", String()},
           {"gender", String()},    {"street", String()},
           {"city", String()},      {"state", String()},
           {"zip", String()},       {"lat", Double()},
           {"long", Double()},      {"city_pop", Int()},
           {"job", String()},       {"dob", String()},
           {"trans_num", String()}, {"unix_time", BigInt()},
           {"merch_lat", Double()}, {"merch_long", Double()}}};
}

std::vector<std::string> Records(size_t count) {
  Random random(7);
  std::vector<std::string> records;
  for (size_t i = 0; i < count; ++i) {
    records.push_back(StrCat(
        R"({"index":)", i, R"(,"trans_date_trans_time":"2020-06-21 12:14:)", 10 + random.Below(50), R"(","cc_num":")",
        2291163933867244 + random.Below(1000), R"(","merchant":"Kirlin and Sons","category":"personal_care","amt":)",
        random.Below(1000), ".", 10 + random.Below(90),
        R"(,"first":"Jeff","last":"Elliott","gender":"M","street":"351 Darlene","city":"Columbia","state":"SC",)",
        R"("zip":"29209","lat":33.9659,"long":-80.9355,"city_pop":333497,"job":"Engineer","dob":"1968-03-19",)",
        R"("trans_num":"2da90c7d74bd46","unix_time":1371816865,"merch_lat":33.986391,"merch_long":-81.200714})"));
  }
  return records;
}

void DecodeFields(benchmark::State& state, std::span<const int> wanted) {
  const data::Schema schema = Transaction();
  const auto texts = Records(data::kBatchRows);
  const std::vector<std::optional<std::string_view>> records(texts.begin(), texts.end());
  auto decoder = MakeDecoder("json", {}, schema, wanted);
  LEAT_CHECK_OK(decoder.status());
  std::vector<uint32_t> rows;
  std::vector<DecodeError> errors;
  int64_t bytes = 0;
  for (const std::string& text : texts) bytes += static_cast<int64_t>(text.size());
  for (auto _ : state) {
    std::vector<std::shared_ptr<data::Column>> columns;
    std::vector<data::Column*> pointers;
    for (const int i : wanted) {
      columns.push_back(std::make_shared<data::Column>(schema.fields[static_cast<size_t>(i)].type));
      columns.back()->Reserve(records.size());
      pointers.push_back(columns.back().get());
    }
    rows.clear();
    (*decoder)->Decode(records, pointers, &rows, &errors);
    LEAT_CHECK(rows.size() == records.size() && errors.empty());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(records.size()));
  state.SetBytesProcessed(state.iterations() * bytes);
}

void DecodeFive(benchmark::State& state) {
  const int wanted[] = {1, 2, 4, 5, 18};
  DecodeFields(state, wanted);
}
BENCHMARK(DecodeFive);

void DecodeAllFields(benchmark::State& state) {
  std::vector<int> wanted;
  for (int i = 0; i < 22; ++i) wanted.push_back(i);
  DecodeFields(state, wanted);
}
BENCHMARK(DecodeAllFields);

void Encode(benchmark::State& state) {
  const data::Schema schema = Transaction();
  const auto texts = Records(data::kBatchRows);
  const std::vector<std::optional<std::string_view>> records(texts.begin(), texts.end());
  std::vector<int> wanted;
  data::Batch batch;
  std::vector<data::Column*> pointers;
  for (int i = 0; i < 22; ++i) {
    wanted.push_back(i);
    auto column = std::make_shared<data::Column>(schema.fields[static_cast<size_t>(i)].type);
    pointers.push_back(column.get());
    batch.columns.push_back(std::move(column));
  }
  auto decoder = MakeDecoder("json", {}, schema, wanted);
  auto encoder = MakeEncoder("json", {}, schema);
  std::vector<uint32_t> rows;
  std::vector<DecodeError> errors;
  (*decoder)->Decode(records, pointers, &rows, &errors);
  batch.rows = rows.size();
  std::string out;
  for (auto _ : state) {
    out.clear();
    for (size_t row = 0; row < batch.rows; ++row) LEAT_CHECK_OK((*encoder)->Encode(batch, row, &out));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(batch.rows));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(out.size()));
}
BENCHMARK(Encode);

}  // namespace
}  // namespace leat::format
