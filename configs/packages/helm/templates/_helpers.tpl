{{- define "steelyard.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{- define "steelyard.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "steelyard.labels" -}}
{{ include "steelyard.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "steelyard.account" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "steelyard.name" .) .Values.serviceAccount.name }}{{ else }}{{ default "default" .Values.serviceAccount.name }}{{ end -}}
{{- end }}

{{- define "steelyard.secret" -}}
{{- default (printf "%s-admin" (include "steelyard.name" .)) .Values.adminToken.existingSecret -}}
{{- end }}

{{/* The port of an address host:port. */}}
{{- define "steelyard.port" -}}
{{ regexFind "[0-9]+$" . }}
{{- end }}

{{/* Where operators are served; the program's default where the configuration does not say. */}}
{{- define "steelyard.admin" -}}
{{- (default (dict) .Values.config.admin).address | default "127.0.0.1:9090" -}}
{{- end }}

{{/* Whether others than the pod reach it. */}}
{{- define "steelyard.adminOpen" -}}
{{- if not (regexMatch "^(127\\.|localhost:|\\[::1\\])" (include "steelyard.admin" .)) }}yes{{ end -}}
{{- end }}

{{/* The configuration, whose admin listener may be asked under the names of the Service. */}}
{{- define "steelyard.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if include "steelyard.adminOpen" . -}}
{{- $name := include "steelyard.name" . -}}
{{- $names := list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) (printf "%s.%s.svc.cluster.local" $name .Release.Namespace) -}}
{{- $_ := set $config.admin "hosts" (concat $names (default (list) $config.admin.hosts) | uniq) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end }}
