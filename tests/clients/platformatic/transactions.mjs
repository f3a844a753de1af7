// Idempotence and transactions.
import { FetchIsolationLevels } from '@platformatic/kafka'
import { createTopic, makeConsumer, produce, readAll, send, values, withAdmin, withProducer } from './common.mjs'
import { equal, fails, name, numbered, test, until } from './harness.mjs'

const transactional = (stem) => ({ idempotent: true, transactionalId: name(stem), retries: 3 })
const committed = async (topic, count) =>
  values(await readAll(topic, count, { isolationLevel: FetchIsolationLevels.READ_COMMITTED })).sort()
const uncommitted = async (topic, count) =>
  values(await readAll(topic, count, { isolationLevel: FetchIsolationLevels.READ_UNCOMMITTED })).sort()

test('idempotent_producer', async () => {
  const topic = await createTopic('idempotent')
  await withProducer({ idempotent: true }, async (producer) => {
    for (let i = 0; i < 10; i++) await send(producer, topic, numbered(50, `round ${i} `))
  })
  const expected = Array.from({ length: 10 }, (_, i) => numbered(50, `round ${i} `)).flat()
  equal(values(await readAll(topic, 500)), expected, 'records')
})

test('transactions_committed_and_aborted', async () => {
  const topic = await createTopic('commit-and-abort', 2)
  const kept = []
  const dropped = []
  await withProducer(transactional('commit-and-abort'), async (producer) => {
    for (let i = 0; i < 6; i++) {
      const texts = numbered(10, `round ${i} `)
      const transaction = await producer.beginTransaction()
      await send(transaction, topic, texts)
      await (i % 2 === 0 ? transaction.commit() : transaction.abort())
      ;(i % 2 === 0 ? kept : dropped).push(...texts)
    }
  })
  equal(await committed(topic, kept.length), kept.sort(), 'read committed')
  equal(await uncommitted(topic, kept.length + dropped.length), [...kept, ...dropped].sort(), 'read uncommitted')
})

test('consume_transform_produce', async () => {
  const [from, to] = [await createTopic('copy-from'), await createTopic('copy-to')]
  await produce(from, numbered(60))
  const groupId = name('copy')
  const consumer = makeConsumer({ groupId })
  await withProducer(transactional('copy'), async (producer) => {
    const stream = await consumer.consume({ topics: [from], mode: 'committed', fallbackMode: 'earliest' })
    let copied = 0
    for await (const message of stream) {
      // Every third copy is aborted, and done again.
      for (let attempt = copied % 3 === 1 ? 0 : 1; attempt < 2; attempt++) {
        const transaction = await producer.beginTransaction()
        await transaction.addConsumer(consumer)
        await send(transaction, to, [message.value])
        await transaction.addOffset(message)
        await (attempt === 0 ? transaction.abort() : transaction.commit())
      }
      if (++copied === 60) break
    }
  })
  await consumer.close(true)
  equal(await committed(to, 60), numbered(60).sort(), 'each record copied once')
  await until('the committed offset', async () => {
    const [group] = await withAdmin((admin) => admin.listConsumerGroupOffsets({ groups: [groupId] }))
    return group.topics[0].partitions[0].committedOffset === 60n
  })
})

test('zombie_is_fenced', async () => {
  const topic = await createTopic('zombie')
  await withProducer(transactional('zombie'), async (zombie) => {
    const old = await zombie.beginTransaction()
    await send(old, topic, numbered(5, 'zombie '))
    await withProducer(transactional('zombie'), async (successor) => {
      const transaction = await successor.beginTransaction()
      await send(transaction, topic, numbered(5, 'successor '))
      await transaction.commit()
    })
    await fails(old.commit(), (error) => ['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH'].includes(error.apiId), 'a fenced producer')
  })
  equal(await committed(topic, 5), numbered(5, 'successor '), "only the successor's records")
})
