package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

func adminTests() []test {
	return []test{{"admin_topics", adminTopics}, {"admin_configs", adminConfigs}, {"admin_delete_records", adminDeleteRecords},
		{"admin_group_offsets", adminGroupOffsets}}
}

func adminTopics(ctx context.Context) error {
	topic, err := createTopic(ctx, "topics", 3, nil)
	if err != nil {
		return err
	}
	return withAdmin(ctx, func(admin *kadm.Client) error {
		if _, err := admin.CreateTopic(ctx, 1, 1, nil, topic); !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("create it again: expected TOPIC_ALREADY_EXISTS, got %v", err)
		}
		if added, err := admin.UpdatePartitions(ctx, 5, topic); err != nil || added.Error() != nil {
			return fmt.Errorf("five partitions: %v %v", err, added.Error())
		}
		listed, err := admin.ListTopics(ctx, topic)
		if err != nil || len(listed[topic].Partitions) != 5 {
			return fmt.Errorf("expected five partitions, got %v (%v)", listed[topic], err)
		}
		deleted, err := admin.DeleteTopic(ctx, topic)
		if err != nil || deleted.Err != nil {
			return fmt.Errorf("delete: %v %v", err, deleted.Err)
		}
		if _, err := admin.DeleteTopic(ctx, topic); !errors.Is(err, kerr.UnknownTopicOrPartition) {
			return fmt.Errorf("delete it again: expected UNKNOWN_TOPIC_OR_PARTITION, got %v", err)
		}
		return nil
	})
}

func adminConfigs(ctx context.Context) error {
	topic, err := createTopic(ctx, "configs", 1, map[string]*string{"retention.ms": kadm.StringPtr("3600000")})
	if err != nil {
		return err
	}
	return withAdmin(ctx, func(admin *kadm.Client) error {
		changed, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: kadm.StringPtr("7200000")}}, topic)
		if err != nil || changed[0].Err != nil {
			return fmt.Errorf("alter: %v %v", err, changed)
		}
		found, err := admin.DescribeTopicConfigs(ctx, topic)
		if err != nil {
			return err
		}
		for _, config := range found[0].Configs {
			if config.Key == "retention.ms" && config.MaybeValue() == "7200000" {
				return nil
			}
		}
		return fmt.Errorf("expected retention.ms=7200000 in %v", found)
	})
}

func adminDeleteRecords(ctx context.Context) error {
	topic, err := createTopic(ctx, "delete-records", 1, nil)
	if err != nil {
		return err
	}
	if err := produce(ctx, topic, numbered(100, "v")); err != nil {
		return err
	}
	return withAdmin(ctx, func(admin *kadm.Client) error {
		var before kadm.Offsets
		before.Add(kadm.Offset{Topic: topic, Partition: 0, At: 60})
		done, err := admin.DeleteRecords(ctx, before)
		if err != nil {
			return err
		}
		if one, _ := done.Lookup(topic, 0); one.Err != nil || one.LowWatermark != 60 {
			return fmt.Errorf("expected a low watermark of 60, got %+v", one)
		}
		found, err := readAll(ctx, topic)
		if err != nil || len(found) != 40 {
			return fmt.Errorf("expected 40 records, got %d (%v)", len(found), err)
		}
		return nil
	})
}

func adminGroupOffsets(ctx context.Context) error {
	topic, err := createTopic(ctx, "group-offsets", 1, nil)
	if err != nil {
		return err
	}
	group := name("group-offsets")
	return withAdmin(ctx, func(admin *kadm.Client) error {
		var set kadm.Offsets
		set.Add(kadm.Offset{Topic: topic, Partition: 0, At: 7, LeaderEpoch: -1})
		if err := admin.CommitAllOffsets(ctx, group, set); err != nil {
			return err
		}
		found, err := admin.FetchOffsets(ctx, group)
		if err != nil {
			return err
		}
		if at, _ := found.Lookup(topic, 0); at.At != 7 {
			return fmt.Errorf("expected offset 7, got %+v", at)
		}
		listed, err := admin.ListGroups(ctx)
		if err != nil {
			return err
		}
		if _, ok := listed[group]; !ok {
			return fmt.Errorf("expected %s in %v", group, listed.Groups())
		}
		deleted, err := admin.DeleteGroup(ctx, group)
		if err != nil || deleted.Err != nil {
			return fmt.Errorf("delete: %v %v", err, deleted.Err)
		}
		return nil
	})
}
