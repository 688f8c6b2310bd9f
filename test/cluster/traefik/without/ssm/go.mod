// What Traefik calls of Amazon's Systems Manager, without the service, for the same reason as ec2 beside it.
module github.com/aws/aws-sdk-go-v2/service/ssm

go 1.26.0
