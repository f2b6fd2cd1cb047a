package keda

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// free is an address of this machine that nobody listens on now.
func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

// serve starts the program with an upstream that scales by others, and returns where KEDA is served.
func serve(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	program := filepath.Join(folder, "steelyard")
	build := exec.Command("go", "build", "-pgo=off", "-o", program, "./cmd/steelyard")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	scaler, file := free(t), filepath.Join(folder, "gateway.yaml")
	text := fmt.Sprintf("listen: [{address: %q}]\nadmin: {address: %q}\nscaler: {address: %q}\nupstreams:\n  - name: chat\n"+
		"    endpoints: [{url: \"http://127.0.0.1:1\"}]\n    scale: {min: 1, max: 8, interval: 1s}\n", free(t), free(t), scaler)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "serve", file)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			t.Errorf("the program ended with %v", err)
		}
	})
	return scaler
}

func ref(upstream string) *pb.ScaledObjectRef {
	return &pb.ScaledObjectRef{Name: "chat", Namespace: "inference", ScalerMetadata: map[string]string{"scalerAddress": "x", "upstream": upstream}}
}

// The calls as KEDA makes them, with its settings of the connection.
func TestKEDA(t *testing.T) {
	connection, err := grpc.NewClient(serve(t), grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin":{}}]}`),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	client := pb.NewExternalScalerClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	spec, err := client.GetMetricSpec(ctx, ref("chat"), grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	if len(spec.MetricSpecs) != 1 || spec.MetricSpecs[0].MetricName != "steelyard-chat" || spec.MetricSpecs[0].TargetSizeFloat != 1 || spec.MetricSpecs[0].TargetSize != 1 {
		t.Fatalf("the metric is announced as %v", spec)
	}
	// Until the gateway has decided for the first time nothing is known, and that is never 0.
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		values, err := client.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: ref("chat"), MetricName: "steelyard-chat"})
		if err == nil {
			if len(values.MetricValues) != 1 || values.MetricValues[0].MetricName != "steelyard-chat" || values.MetricValues[0].MetricValueFloat < 0 {
				t.Fatalf("the metric is %v", values)
			}
			t.Logf("the metric is %v", values)
			break
		}
		if status.Code(err) != codes.Unavailable {
			t.Fatal(err)
		}
	}
	active, err := client.IsActive(ctx, ref("chat"))
	if err != nil {
		t.Fatal(err)
	}
	stream, err := client.StreamIsActive(ctx, ref("chat"))
	if err != nil {
		t.Fatal(err)
	}
	pushed, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("active: asked %v, pushed %v", active.Result, pushed.Result)

	_, err = client.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: ref("chat"), MetricName: "other"})
	fails(t, err, codes.InvalidArgument)
	_, err = client.IsActive(ctx, ref("chatt"))
	fails(t, err, codes.NotFound)
	_, err = client.GetMetricSpec(ctx, ref("chatt"))
	fails(t, err, codes.NotFound)
	_, err = client.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: ref("chatt"), MetricName: "steelyard-chatt"})
	fails(t, err, codes.NotFound)
	_, err = client.IsActive(ctx, ref(""))
	fails(t, err, codes.InvalidArgument)
	specs, err := client.StreamMetricSpec(ctx, ref("chat"))
	if err == nil {
		_, err = specs.Recv()
	}
	fails(t, err, codes.Unimplemented)
}

func fails(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if status.Code(err) != want {
		t.Errorf("got %v, want %v", err, want)
	}
}
