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

// Package ssm is a service that there is none of.
package ssm

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// ErrLeftOut says so.
var ErrLeftOut = errors.New("this Traefik is built without Systems Manager: see test/cluster/traefik/without/ssm")

// Client would ask the service.
type Client struct{}

// NewFromConfig makes one from an aws.Config.
func NewFromConfig(any) *Client { return &Client{} }

// DescribeInstanceInformationInput is a question.
type DescribeInstanceInformationInput struct {
	Filters []types.InstanceInformationStringFilter
}

// DescribeInstanceInformationOutput is its answer.
type DescribeInstanceInformationOutput struct {
	InstanceInformationList []types.InstanceInformation
}

// DescribeInstanceInformationPaginator asks until it has heard all.
type DescribeInstanceInformationPaginator struct{}

// NewDescribeInstanceInformationPaginator makes one.
func NewDescribeInstanceInformationPaginator(*Client, *DescribeInstanceInformationInput) *DescribeInstanceInformationPaginator {
	return &DescribeInstanceInformationPaginator{}
}

// HasMorePages says that it has not.
func (*DescribeInstanceInformationPaginator) HasMorePages() bool { return true }

// NextPage fails.
func (*DescribeInstanceInformationPaginator) NextPage(context.Context) (*DescribeInstanceInformationOutput, error) {
	return nil, ErrLeftOut
}
