// What Traefik calls of Amazon's EC2, without the service: the real library takes a minute to compile, a fifth of all
// that Traefik is made of.
module github.com/aws/aws-sdk-go-v2/service/ec2

go 1.26.0
