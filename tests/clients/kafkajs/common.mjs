// Clients and topics for the tests of kafkajs.
import kafkajs from 'kafkajs'
import { bootstrap, name, until } from './harness.mjs'

export const kafka = new kafkajs.Kafka({
  brokers: [bootstrap],
  clientId: 'suite',
  logLevel: kafkajs.logLevel.NOTHING,
  retry: { initialRetryTime: 50, retries: 8 }
})

async function using (client, use) {
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.disconnect()
  }
}

export function withAdmin (use) {
  return using(kafka.admin(), use)
}

export function withProducer (settings, use) {
  return using(kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner, ...settings }), use)
}

export async function createTopic (stem, numPartitions = 1, configs = {}) {
  const topic = name(stem)
  const configEntries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
  await withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1, configEntries }] }))
  return topic
}

export function send (producer, topic, texts, settings = {}) {
  return producer.send({ topic, messages: texts.map((text) => ({ key: text, value: text })), ...settings })
}

export function produce (topic, texts, settings = {}) {
  return withProducer({}, (producer) => send(producer, topic, texts, settings))
}

let readers = 0

// Every record from the beginning up to the end that the broker names now. kafkajs reads in groups only.
export async function readAll (topic, settings = {}) {
  const offsets = await withAdmin((admin) => admin.fetchTopicOffsets(topic))
  const left = new Map(offsets.filter((one) => one.high !== one.low).map((one) => [one.partition, BigInt(one.high)]))
  const found = []
  if (left.size === 0) return found
  const groupId = name(`reader-${readers++}`)
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, ...settings })
  await using(consumer, async () => {
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: true,
      eachBatch: async ({ batch }) => {
        found.push(...batch.messages.map((message) => ({ ...message, partition: batch.partition })))
        // The batch ends behind markers and aborted records, which nobody sees.
        if (BigInt(batch.lastOffset()) + 1n >= (left.get(batch.partition) ?? 0n)) left.delete(batch.partition)
      }
    })
    await until(`to reach the ends of ${topic}`, () => left.size === 0 || settings.enough?.(found))
  })
  return found.sort((a, b) => a.partition - b.partition || Number(BigInt(a.offset) - BigInt(b.offset)))
}

export const values = (records) => records.map((record) => record.value?.toString() ?? null)
