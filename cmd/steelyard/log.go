// The log and the access log.

package main

import (
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/steelyard-proxy/steelyard/configs"
)

// newLogs makes the log and the access log, which has every request whatever the level of the
// log. Writing to them neither blocks nor fails; behind writes their lines once it runs.
func newLogs(c configs.Log, out io.Writer, count losses) (log, access *zap.Logger, behind *writeBehind) {
	encoder, level := newEncoder(c.Format), zapcore.InfoLevel
	_ = level.Set(c.Level) // checked by configs
	behind = newWriteBehind(out, encoder, count)
	of := func(q *queue, level zapcore.Level) *zap.Logger {
		return zap.New(zapcore.NewCore(encoder, q, level), zap.ErrorOutput(&behind.log)) // zap's default is standard error
	}
	return of(&behind.log, level), of(&behind.access, zapcore.DebugLevel), behind
}

func newEncoder(format string) zapcore.Encoder {
	c := zap.NewProductionEncoderConfig()
	c.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	c.EncodeDuration = zapcore.SecondsDurationEncoder
	if format != "console" {
		return zapcore.NewJSONEncoder(c)
	}
	c.EncodeLevel = zapcore.CapitalLevelEncoder
	c.EncodeDuration = zapcore.StringDurationEncoder
	return zapcore.NewConsoleEncoder(c)
}
