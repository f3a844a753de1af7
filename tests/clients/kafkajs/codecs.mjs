// kafkajs brings gzip only: the other codecs in Kafka's framings, from packages without native code.
import { createRequire } from 'node:module'
import { lz4Compress, lz4Decompress } from '@platformatic/wasm-utils'
import kafkajs from 'kafkajs'
import snappy from 'snappyjs'

const { CompressionTypes, CompressionCodecs } = kafkajs
const { ZstdCodec } = createRequire(import.meta.url)('zstd-codec')

// Snappy in the framing of its Java library: a header, then blocks with their lengths.
const SNAPPY_HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])

function snappyFrame (data) {
  const block = snappy.compress(data)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(block.length)
  return Buffer.concat([SNAPPY_HEADER, length, block])
}

function snappyUnframe (data) {
  if (!data.subarray(0, 8).equals(SNAPPY_HEADER.subarray(0, 8))) return snappy.uncompress(data)
  const parts = []
  for (let at = SNAPPY_HEADER.length; at < data.length;) {
    const length = data.readUInt32BE(at)
    parts.push(snappy.uncompress(data.subarray(at + 4, at + 4 + length)))
    at += 4 + length
  }
  return Buffer.concat(parts)
}

export async function installCodecs () {
  const zstd = await new Promise((resolve) => ZstdCodec.run((codec) => resolve(new codec.Simple())))
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: async (encoder) => snappyFrame(encoder.buffer),
    decompress: async (buffer) => snappyUnframe(buffer)
  })
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: async (encoder) => Buffer.from(lz4Compress(encoder.buffer)),
    decompress: async (buffer) => Buffer.from(lz4Decompress(buffer))
  })
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async (encoder) => Buffer.from(zstd.compress(encoder.buffer)),
    decompress: async (buffer) => Buffer.from(zstd.decompress(buffer))
  })
}
