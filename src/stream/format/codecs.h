// The makers behind MakeDecoder and MakeEncoder, one pair a format. Options and schema are checked already.
#pragma once

#include <memory>
#include <span>

#include "stream/format/format.h"

namespace leat::format {

inline constexpr size_t kMaxRecordBytes = size_t{64} << 20;  // a longer record is an error

std::unique_ptr<Decoder> MakeJsonDecoder(const FormatOptions& options, const data::Schema& table_fields,
                                         std::span<const int> wanted);
std::unique_ptr<Encoder> MakeJsonEncoder(const FormatOptions& options, const data::Schema& fields);
std::unique_ptr<Decoder> MakeCsvDecoder(const FormatOptions& options, const data::Schema& table_fields,
                                        std::span<const int> wanted);
std::unique_ptr<Encoder> MakeCsvEncoder(const FormatOptions& options, const data::Schema& fields);
std::unique_ptr<Decoder> MakeDebeziumDecoder(const FormatOptions& options, const data::Schema& table_fields,
                                             std::span<const int> wanted);
std::unique_ptr<Encoder> MakeDebeziumEncoder(const FormatOptions& options, const data::Schema& fields);
std::unique_ptr<Decoder> MakeRawDecoder(const FormatOptions& options, const data::Schema& table_fields,
                                        std::span<const int> wanted);
std::unique_ptr<Encoder> MakeRawEncoder(const FormatOptions& options, const data::Schema& fields);

}  // namespace leat::format
