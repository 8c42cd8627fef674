package secure

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/IBM/sarama"
)

// onTopic are the rights that the service needs on each of its topics, without Create.
var onTopic = []sarama.AclOperation{
	sarama.AclOperationDescribe, sarama.AclOperationDescribeConfigs, sarama.AclOperationRead, sarama.AclOperationWrite,
}

// onGroup are the rights that the service needs on each of its consumer groups.
var onGroup = []sarama.AclOperation{sarama.AclOperationDescribe, sarama.AclOperationRead}

// TopicsLack returns, by topic, the rights that the service needs and that the brokers do not give to the user of
// client, such as "Read, Write". Topics that have all of them, and topics that do not exist, are absent.
func TopicsLack(client sarama.Client, topics []string) (map[string]string, error) {
	broker, err := client.Controller()
	if err != nil {
		return nil, fmt.Errorf("ask for rights on topics: %w", err)
	}
	ask := sarama.NewMetadataRequest(client.Config().Version, topics)
	ask.IncludeTopicAuthorizedOperations = true
	answer, err := broker.GetMetadata(ask)
	if err != nil {
		return nil, fmt.Errorf("ask for rights on topics: %w", err)
	}
	found := map[string]string{}
	for _, t := range answer.Topics {
		switch {
		case errors.Is(t.Err, sarama.ErrTopicAuthorizationFailed):
			found[t.Name] = sum(onTopic)
		case errors.Is(t.Err, sarama.ErrNoError):
			if lacks := missing(t.TopicAuthorizedOperations, onTopic); lacks != "" {
				found[t.Name] = lacks
			}
		}
	}
	return found, nil
}

// GroupLacks returns the rights on a consumer group that the service needs and that the brokers do not give to the user
// of client, such as "Read"; "" if it has all, and where the brokers do not say.
func GroupLacks(client sarama.Client, group string) (string, error) {
	broker, err := client.Coordinator(group)
	if errors.Is(err, sarama.ErrGroupAuthorizationFailed) {
		return sum(onGroup), nil
	}
	if err != nil {
		return "", fmt.Errorf("ask for rights on group %s: %w", group, err)
	}
	answer, err := broker.DescribeGroups(&sarama.DescribeGroupsRequest{
		Version: 4, Groups: []string{group}, IncludeAuthorizedOperations: true,
	})
	if err != nil {
		return "", fmt.Errorf("ask for rights on group %s: %w", group, err)
	}
	for _, g := range answer.Groups {
		switch {
		case errors.Is(g.Err, sarama.ErrGroupAuthorizationFailed):
			return sum(onGroup), nil
		case errors.Is(g.Err, sarama.ErrNoError):
			return missing(g.AuthorizedOperations, onGroup), nil
		}
	}
	return "", nil
}

// missing returns those of the rights that are not in the answer of a broker, a bit for each; "" where it does not say.
func missing(has int32, needs []sarama.AclOperation) string {
	if has == math.MinInt32 {
		return ""
	}
	return sum(slices.DeleteFunc(slices.Clone(needs), func(op sarama.AclOperation) bool { return has&(1<<op) != 0 }))
}

func sum(rights []sarama.AclOperation) string {
	var names []string
	for _, op := range rights {
		names = append(names, op.String())
	}
	return strings.Join(names, ", ")
}
