// The admin client.
import kafkajs from 'kafkajs'
import { createTopic, kafka, produce, readAll, withAdmin } from './common.mjs'
import { equal, holds, name, numbered, test, until } from './harness.mjs'

test('admin_create_describe_delete_topics', () => withAdmin(async (admin) => {
  const topic = await createTopic('topics', 3)
  holds((await admin.listTopics()).includes(topic), 'the topic in the list')
  equal((await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length, 3, 'partitions')
  equal(await admin.createTopics({ topics: [{ topic }] }), false, 'making it again')
  await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] })
  await until('five partitions', async () =>
    (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length === 5)
  await admin.deleteTopics({ topics: [topic] })
  await until('the topic to be gone', async () => !(await admin.listTopics()).includes(topic))
}))

test('admin_configs', () => withAdmin(async (admin) => {
  const topic = await createTopic('configs', 1, { 'retention.ms': '3600000' })
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }
  const value = async (key) => (await admin.describeConfigs({ includeSynonyms: true, resources: [resource] }))
    .resources[0].configEntries.find((entry) => entry.configName === key)?.configValue
  equal(await value('retention.ms'), '3600000', 'retention.ms')
  await admin.alterConfigs({ resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '7200000' }] }] })
  await until('the new value', async () => await value('retention.ms') === '7200000')
}))

test('admin_delete_records', () => withAdmin(async (admin) => {
  const topic = await createTopic('delete-records')
  await produce(topic, numbered(100))
  // The admin client deletes only on topics that it has asked for before.
  equal((await admin.fetchTopicOffsets(topic))[0].high, '100', 'end')
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '60' }] })
  equal((await admin.fetchTopicOffsets(topic))[0].low, '60', 'beginning')
  equal((await readAll(topic)).length, 40, 'records left')
}))

test('admin_groups', () => withAdmin(async (admin) => {
  const topic = await createTopic('groups')
  const groupId = name('groups')
  await produce(topic, numbered(10))
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let count = 0
  await consumer.run({ autoCommitThreshold: 1, eachMessage: async () => { count++ } })
  await until('ten records', () => count === 10)
  const [described] = (await admin.describeGroups([groupId])).groups
  equal([described.state, described.members.length, described.protocolType], ['Stable', 1, 'consumer'], 'the group')
  holds((await admin.listGroups()).groups.some((group) => group.groupId === groupId), 'the group in the list')
  await consumer.disconnect()
  equal((await admin.fetchOffsets({ groupId, topics: [topic] }))[0].partitions[0].offset, '10', 'committed offset')
  await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '4' }] })
  equal((await admin.fetchOffsets({ groupId, topics: [topic] }))[0].partitions[0].offset, '4', 'offset set by hand')
  await admin.resetOffsets({ groupId, topic, earliest: true })
  await admin.deleteGroups([groupId])
  holds(!(await admin.listGroups()).groups.some((group) => group.groupId === groupId), 'the group to be gone')
}))

test('admin_cluster', () => withAdmin(async (admin) => {
  const cluster = await admin.describeCluster()
  holds(cluster.clusterId && cluster.brokers.length === 1 && cluster.controller !== null, 'a cluster id, a broker, a controller')
  equal((await admin.listPartitionReassignments({})).topics, [], 'reassignments')
}))
