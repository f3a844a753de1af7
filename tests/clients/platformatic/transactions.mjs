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

// The client hides one aborted transaction of a producer in each answer to a fetch, so there is one on each topic.
test('transactions_committed_and_aborted', () => withProducer(transactional('commit-and-abort'), async (producer) => {
  for (const stem of ['one', 'two']) {
    const topic = await createTopic(`commit-and-abort-${stem}`)
    const transact = async (texts, end) => {
      const transaction = await producer.beginTransaction()
      await send(transaction, topic, texts)
      await transaction[end]()
    }
    await transact(numbered(10, 'before '), 'commit')
    await transact(numbered(10, 'dropped '), 'abort')
    await transact(numbered(10, 'kept '), 'commit')
    const kept = [...numbered(10, 'before '), ...numbered(10, 'kept ')]
    equal(await committed(topic, 20), kept.sort(), 'read committed')
    equal(await uncommitted(topic, 30), [...kept, ...numbered(10, 'dropped ')].sort(), 'read uncommitted')
  }
}))

test('consume_transform_produce', async () => {
  const [from, to] = [await createTopic('copy-from'), await createTopic('copy-to')]
  await produce(from, numbered(60))
  const groupId = name('copy')
  const consumer = makeConsumer({ groupId })
  await withProducer(transactional('copy'), async (producer) => {
    const stream = await consumer.consume({ topics: [from], mode: 'committed', fallbackMode: 'earliest' })
    let copied = 0
    for await (const message of stream) {
      // One copy is aborted, and done again.
      for (let attempt = copied === 30 ? 0 : 1; attempt < 2; attempt++) {
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

// The client always claims to go on from epoch 0: with a transactional id that is in use it is the newcomer that is refused.
test('producer_of_an_older_epoch_is_fenced', async () => {
  const topic = await createTopic('zombie')
  await withProducer(transactional('zombie'), async (first) => {
    const transaction = await first.beginTransaction()
    await send(transaction, topic, numbered(5))
    await withProducer({ ...transactional('zombie'), retries: 0 }, (second) => fails(second.beginTransaction(),
      (error) => ['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH'].includes(error.apiId), 'a fenced producer'))
    await transaction.commit()
  })
  equal(await committed(topic, 5), numbered(5), 'records')
})
