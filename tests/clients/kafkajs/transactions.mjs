// Idempotence and transactions.
import { createTopic, kafka, produce, readAll, send, values, withAdmin, withProducer } from './common.mjs'
import { equal, fails, name, numbered, test, until } from './harness.mjs'

const transactional = (stem) => ({ transactionalId: name(stem), idempotent: true, maxInFlightRequests: 1 })
const committed = async (topic) => values(await readAll(topic, { readUncommitted: false })).sort()
const uncommitted = async (topic) => values(await readAll(topic, { readUncommitted: true })).sort()

test('idempotent_producer', async () => {
  const topic = await createTopic('idempotent', 3)
  await withProducer({ idempotent: true, maxInFlightRequests: 1 }, async (producer) => {
    for (let i = 0; i < 10; i++) await send(producer, topic, numbered(50, `round ${i} `))
  })
  const expected = Array.from({ length: 10 }, (_, i) => numbered(50, `round ${i} `)).flat().sort()
  equal(values(await readAll(topic)).sort(), expected, 'records')
})

test('transactions_committed_and_aborted', async () => {
  const topic = await createTopic('commit-and-abort', 2)
  const kept = []
  const dropped = []
  await withProducer(transactional('commit-and-abort'), async (producer) => {
    for (let i = 0; i < 6; i++) {
      const texts = numbered(10, `round ${i} `)
      const transaction = await producer.transaction()
      await send(transaction, topic, texts)
      await (i % 2 === 0 ? transaction.commit() : transaction.abort())
      ;(i % 2 === 0 ? kept : dropped).push(...texts)
    }
  })
  equal(await uncommitted(topic), [...kept, ...dropped].sort(), 'read uncommitted')
  // The last marker ends the partition, which this client never shows: something ordinary behind it ends the reading.
  await withProducer({}, (producer) => producer.send({ topic, messages: [0, 1].map((partition) => ({ value: 'end', partition })) }))
  equal((await committed(topic)).filter((value) => value !== 'end'), kept.sort(), 'read committed')
})

test('consume_transform_produce', async () => {
  const [from, to] = [await createTopic('copy-from'), await createTopic('copy-to')]
  await produce(from, numbered(120))
  const consumerGroupId = name('copy')
  let copied = 0
  let rounds = 0
  await withProducer(transactional('copy'), async (producer) => {
    const consumer = kafka.consumer({ groupId: consumerGroupId, maxWaitTimeInMs: 100, maxBytesPerPartition: 1000, readUncommitted: false })
    await consumer.connect()
    await consumer.subscribe({ topic: from, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, resolveOffset }) => {
        // Twenty at a time, and every third time for nothing.
        for (let at = 0; at < batch.messages.length;) {
          const piece = batch.messages.slice(at, at + 20)
          const next = String(BigInt(piece.at(-1).offset) + 1n)
          const transaction = await producer.transaction()
          await send(transaction, to, values(piece))
          await transaction.sendOffsets({ consumerGroupId, topics: [{ topic: from, partitions: [{ partition: 0, offset: next }] }] })
          if (rounds++ % 3 === 1) {
            await transaction.abort()
            continue
          }
          await transaction.commit()
          resolveOffset(piece.at(-1).offset)
          at += piece.length
          copied += piece.length
        }
      }
    })
    await until('120 records to be copied', () => copied === 120)
    await consumer.disconnect()
  })
  await produce(to, ['end'])
  equal((await committed(to)).filter((value) => value !== 'end'), numbered(120).sort(), 'each record copied once')
  const [{ partitions }] = await withAdmin((admin) => admin.fetchOffsets({ groupId: consumerGroupId, topics: [from] }))
  equal(partitions[0].offset, '120', 'committed offset')
})

test('zombie_is_fenced', async () => {
  const topic = await createTopic('zombie')
  await withProducer(transactional('zombie'), async (zombie) => {
    const old = await zombie.transaction()
    await send(old, topic, numbered(5, 'zombie '))
    await withProducer(transactional('zombie'), async (successor) => {
      const transaction = await successor.transaction()
      await send(transaction, topic, numbered(5, 'successor '))
      await transaction.commit()
    })
    await fails(old.commit(), (error) => /PRODUCER_FENCED|INVALID_PRODUCER_EPOCH/.test(error.type), 'a fenced producer')
  })
  await produce(topic, ['end'])
  equal(await committed(topic), [...numbered(5, 'successor '), 'end'].sort(), "only the successor's records")
})
