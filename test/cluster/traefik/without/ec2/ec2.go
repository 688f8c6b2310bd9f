/*
Copyright 2026 The eventing-ptp Authors

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

// Package ec2 is a service that there is none of.
package ec2

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// ErrLeftOut says so.
var ErrLeftOut = errors.New("this Traefik is built without EC2: see test/cluster/traefik/without/ec2")

// Client would ask the service.
type Client struct{}

// NewFromConfig makes one from an aws.Config.
func NewFromConfig(any) *Client { return &Client{} }

// DescribeInstancesInput is a question.
type DescribeInstancesInput struct {
	InstanceIds []string
}

// DescribeInstancesOutput is its answer.
type DescribeInstancesOutput struct {
	Reservations []types.Reservation
}

// DescribeInstancesPaginator asks until it has heard all.
type DescribeInstancesPaginator struct{}

// NewDescribeInstancesPaginator makes one.
func NewDescribeInstancesPaginator(*Client, *DescribeInstancesInput) *DescribeInstancesPaginator {
	return &DescribeInstancesPaginator{}
}

// HasMorePages says that it has not.
func (*DescribeInstancesPaginator) HasMorePages() bool { return true }

// NextPage fails.
func (*DescribeInstancesPaginator) NextPage(context.Context) (*DescribeInstancesOutput, error) {
	return nil, ErrLeftOut
}
