// Records as they went in, and positions by offset and time.
import kafkajs from 'kafkajs'
import { createTopic, kafka, produce, readAll, values, withAdmin, withProducer } from './common.mjs'
import { equal, fails, holds, name, numbered, test, until } from './harness.mjs'

const START = 1700000000000

for (const [codec, compression] of Object.entries(kafkajs.CompressionTypes)) {
  test(`compression_${codec.toLowerCase()}`, async () => {
    const topic = await createTopic(`compression-${codec}`)
    const sent = numbered(300, 'a text that repeats, repeats, repeats ')
    await produce(topic, sent, { compression })
    equal(values(await readAll(topic)), sent, 'records')
  })
}

test('headers_nulls_and_empty', async () => {
  const topic = await createTopic('headers')
  await withProducer({}, (producer) => producer.send({
    topic,
    messages: [
      { key: 'k', value: '', headers: { trace: 'abc', twice: ['1', '2'], empty: '' } },
      { key: null, value: 'v' }, { key: '', value: null }, { key: null, value: null }
    ]
  }))
  const found = await readAll(topic)
  equal(found.map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null]),
    [['k', ''], [null, 'v'], ['', null], [null, null]], 'keys and values')
  equal([found[0].headers.trace.toString(), found[0].headers.twice.map(String), found[0].headers.empty.toString()],
    ['abc', ['1', '2'], ''], 'headers')
})

test('records_near_a_million_bytes', async () => {
  const topic = await createTopic('big')
  const value = `a${'b'.repeat(990000)}c`
  for (let i = 0; i < 2; i++) await withProducer({}, (producer) => producer.send({ topic, messages: [{ value }] }))
  equal(values(await readAll(topic, { maxBytesPerPartition: 65536 })).map((found) => found === value), [true, true], 'records')
})

test('record_above_the_limit_is_refused', async () => {
  const topic = await createTopic('too-big')
  await withProducer({ retry: { retries: 0 } }, async (producer) => {
    await fails(producer.send({ topic, messages: [{ value: 'x'.repeat(2000000) }] }),
      (error) => error.type === 'MESSAGE_TOO_LARGE', 'MESSAGE_TOO_LARGE')
    await producer.send({ topic, messages: [{ value: 'small' }] })
  })
})

for (const acks of [0, 1, -1]) {
  test(`acks_${acks}`, async () => {
    const topic = await createTopic(`acks${acks}`)
    await produce(topic, numbered(50), { acks })
    await until('50 records', async () => {
      const [offsets] = await withAdmin((admin) => admin.fetchTopicOffsets(topic))
      return offsets.high === '50'
    })
  })
}

test('offsets_beginning_end_and_by_time', async () => {
  const topic = await createTopic('times')
  const messages = numbered(100).map((value, i) => ({ value, timestamp: String(START + i * 1000) }))
  await withProducer({}, (producer) => producer.send({ topic, messages }))
  await withAdmin(async (admin) => {
    const [{ low, high }] = await admin.fetchTopicOffsets(topic)
    equal([low, high], ['0', '100'], 'beginning and end')
    for (const [time, expected] of [[START - 5, '0'], [START + 41000, '41'], [START + 41001, '42']]) {
      equal((await admin.fetchTopicOffsetsByTimestamp(topic, time))[0].offset, expected, `offset at ${time}`)
    }
  })
})

test('seek', async () => {
  const topic = await createTopic('seek')
  await produce(topic, numbered(50))
  const consumer = kafka.consumer({ groupId: name('seek'), maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const found = []
  await consumer.run({ autoCommit: false, eachMessage: async ({ message }) => { found.push(Number(message.offset)) } })
  await until('all records', () => found.length >= 50)
  consumer.seek({ topic, partition: 0, offset: '42' })
  await until('the record sought', () => found.length >= 58)
  holds(found.slice(50).join() === '42,43,44,45,46,47,48,49', `records from 42 on, not ${found.slice(50)}`)
  await consumer.disconnect()
})
