// Records as they went in, and positions by offset and time.
import { createTopic, produce, readAll, values, withConsumer, withProducer } from './common.mjs'
import { equal, fails, holds, numbered, test } from './harness.mjs'

const START = 1700000000000n

// zstd needs a newer Node.js than the oldest that the client runs on.
const CODECS = ['none', 'gzip', 'snappy', 'lz4', ...(Number(process.versions.node.split('.')[0]) >= 23 ? ['zstd'] : [])]
for (const compression of CODECS) {
  test(`compression_${compression}`, async () => {
    const topic = await createTopic(`compression-${compression}`)
    const sent = numbered(300, 'a text that repeats, repeats, repeats ')
    await produce(topic, sent, { compression })
    equal(values(await readAll(topic, 300)), sent, 'records')
  })
}

for (const acks of [1, -1]) {
  test(`acks_${acks}`, async () => {
    const topic = await createTopic(`acks${acks}`)
    await produce(topic, numbered(50), { acks })
    equal(values(await readAll(topic, 50)), numbered(50), 'records')
  })
}

test('headers_nulls_and_empty', async () => {
  const topic = await createTopic('headers')
  await withProducer({}, (producer) => producer.send({
    messages: [
      { topic, key: 'k', value: '', headers: { trace: 'abc', empty: '' } },
      { topic, value: 'v' },
      { topic, key: 'k' }
    ]
  }))
  const found = await readAll(topic, 3)
  equal([...found[0].headers], [['trace', 'abc'], ['empty', '']], 'headers')
  equal([found[0].key, found[1].value, found[2].key], ['k', 'v', 'k'], 'keys and values')
  holds(!found[1].key && !found[2].value, 'no key and no value')
})

test('records_near_a_million_bytes', async () => {
  const topic = await createTopic('big')
  const value = `a${'b'.repeat(990000)}c`
  for (let i = 0; i < 2; i++) await withProducer({}, (producer) => producer.send({ messages: [{ topic, value }] }))
  equal(values(await readAll(topic, 2, { maxBytes: 65536 })).map((found) => found === value), [true, true], 'records')
})

test('record_above_the_limit_is_refused', async () => {
  const topic = await createTopic('too-big')
  await withProducer({ retries: 0 }, async (producer) => {
    await fails(producer.send({ messages: [{ topic, value: 'x'.repeat(2000000) }] }),
      (error) => error.apiId === 'MESSAGE_TOO_LARGE' || error.apiCode === 10, 'MESSAGE_TOO_LARGE')
    await producer.send({ messages: [{ topic, value: 'small' }] })
  })
})

test('offsets_beginning_end_and_by_time', async () => {
  const topic = await createTopic('times')
  const messages = numbered(100).map((value, i) => ({ topic, value, timestamp: START + BigInt(i) * 1000n }))
  await withProducer({}, (producer) => producer.send({ messages }))
  await withConsumer({}, async (consumer) => {
    const at = async (timestamp) => (await consumer.listOffsets({ topics: [topic], timestamp })).get(topic)[0]
    equal(await at(-2n), 0n, 'beginning')
    equal(await at(-1n), 100n, 'end')
    equal(await at(START + 41000n), 41n, 'exactly')
    equal(await at(START + 41001n), 42n, 'between two')
    const found = []
    const stream = await consumer.consume({ topics: [topic], mode: 'manual', offsets: [{ topic, partition: 0, offset: 95n }], maxFetches: 1 })
    for await (const message of stream) found.push(message.offset)
    equal(found, [95n, 96n, 97n, 98n, 99n], 'from an offset')
  })
})
