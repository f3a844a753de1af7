// CRC-32C (Castagnoli), the checksum of record batches (KIP-98).
#pragma once

#include <cstdint>
#include <string_view>

namespace leat {

uint32_t Crc32c(std::string_view bytes);
// The checksum of a ++ b, given crc = Crc32c(a).
uint32_t ExtendCrc32c(uint32_t crc, std::string_view bytes);

}  // namespace leat
