{{- define "spark-jobs.driver.name" -}}
{{- include "spark-jobs.fullname" . }}-driver
{{- end }}

{{- define "spark-jobs.driver.selectorLabels" -}}
{{ include "spark-jobs.selectorLabels" . }}
app.kubernetes.io/component: driver
{{- end }}

{{- define "spark-jobs.driver.podLabels" -}}
{{ include "spark-jobs.podLabels" . }}
app.kubernetes.io/component: driver
{{- end }}

{{- define "spark-jobs.driver.labels" -}}
{{ include "spark-jobs.labels" . }}
app.kubernetes.io/component: driver
{{- end }}

{{- define "spark-jobs.driver.serviceAccountName" -}}
{{- if .Values.driver.serviceAccount.create }}
{{- .Values.driver.serviceAccount.name | default (include "spark-jobs.driver.name" .) }}
{{- else }}
{{- .Values.driver.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "spark-jobs.driver.settingsName" -}}
{{- include "spark-jobs.fullname" . }}-settings
{{- end }}

{{- define "spark-jobs.driver.sparkDefaultsName" -}}
{{- include "spark-jobs.fullname" . }}-spark-defaults
{{- end }}

{{- define "spark-jobs.driver.podTemplatesName" -}}
{{- include "spark-jobs.fullname" . }}-pod-templates
{{- end }}

{{/* A job's arguments, memory and resources: its own, else the driver's. A dict of context and job. */}}
{{- define "spark-jobs.driver.ofJob" -}}
{{- $own := index .context.Values.jobs .job | default dict }}
args: {{ $own.args | default (list .job "--date" "$(MLB_DELIVERY_DATE)") | toJson }}
memory: {{ $own.memory | default .context.Values.driver.memory }}
resources: {{ mergeOverwrite (deepCopy .context.Values.driver.resources) ($own.resources | default dict) | toJson }}
input: {{ $own.input | default dict | toJson }}
{{- end }}

{{/* A job's pod, labels and spec. A dict of context, job, labels (more of them) and args (more of them). */}}
{{- define "spark-jobs.driver.pod" -}}
{{- $context := .context }}
{{- $values := $context.Values }}
{{- $job := include "spark-jobs.driver.ofJob" . | fromYaml -}}
metadata:
  generateName: {{ include "spark-jobs.fullname" $context }}-{{ .job }}-
  labels:
    {{- include "spark-jobs.driver.podLabels" $context | nindent 4 }}
    {{ include "spark-jobs.label.job" . }}: {{ .job }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $values.driver.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ include "spark-jobs.driver.serviceAccountName" $context }}
  # Only a driver that asks for executors speaks to the API server.
  automountServiceAccountToken: {{ $values.executors.enabled }}
  terminationGracePeriodSeconds: {{ $values.driver.terminationGracePeriodSeconds }}
  activeDeadlineSeconds: {{ $values.driver.activeDeadlineSeconds }}
  securityContext:
    {{- include "spark-jobs.podSecurityContext" $context | nindent 4 }}
  {{- include "spark-jobs.placement" (dict "context" $context "component" $values.driver) | nindent 2 }}
  containers:
    - name: base  # the name under which Airflow's KubernetesPodOperator looks for it
      image: {{ include "spark-jobs.image" $context }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: {{ concat $job.args (.args | default list) | toJson }}
      workingDir: /work
      # The job writes how it ended; where it could not (out of memory), the end of its log stands there.
      terminationMessagePath: /dev/termination-log
      terminationMessagePolicy: FallbackToLogsOnError
      securityContext:
        {{- include "spark-jobs.containerSecurityContext" $context | nindent 8 }}
      {{- if $values.executors.enabled }}
      ports:
        - name: driver
          containerPort: {{ include "spark-jobs.executor.driverPort" $context }}
        - name: blocks
          containerPort: {{ include "spark-jobs.executor.blockManagerPort" $context }}
      {{- end }}
      envFrom:
        - configMapRef:
            name: {{ include "spark-jobs.driver.settingsName" $context }}
      env:
        {{- include "spark-jobs.driver.env" (dict "context" $context "memory" $job.memory "job" .job) | nindent 8 }}
      resources:
        {{- toYaml $job.resources | nindent 8 }}
      volumeMounts:
        {{- include "spark-jobs.driver.volumeMounts" $context | nindent 8 }}
        {{- if $job.input }}
        - name: input
          mountPath: /etc/mlb/input
          readOnly: true
        {{- end }}
  volumes:
    {{- include "spark-jobs.driver.volumes" $context | nindent 4 }}
    {{- with $job.input }}
    - name: input
      secret:
        secretName: {{ .secretName }}
        # As for the other secrets: the job says that it is missing.
        optional: true
        items:
          - key: {{ .key }}
            path: {{ .key }}
    {{- end }}
{{- end }}

{{- define "spark-jobs.driver.env" -}}
- name: MLB_DRIVER_MEMORY
  value: {{ .memory }}
- name: MLB_COMPILER
  value: {{ .context.Values.driver.compiler }}
{{- $labels := dict
  "MLB_DELIVERY_DATE" (include "spark-jobs.label.deliveryDate" .)
  "MLB_RUN_ID" (include "spark-jobs.label.runId" .) }}
{{- range $name, $label := $labels }}
- name: {{ $name }}
  valueFrom:
    fieldRef:
      fieldPath: metadata.labels['{{ $label }}']
{{- end }}
{{- if .context.Values.executors.enabled }}
- name: MLB_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: MLB_POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: MLB_POD_IP
  valueFrom:
    fieldRef:
      fieldPath: status.podIP
# The executors carry the labels of their driver.
- name: MLB_EXECUTOR_LABELS
  value: {{ dict
    (include "spark-jobs.label.job" .) .job
    (include "spark-jobs.label.deliveryDate" .) "$(MLB_DELIVERY_DATE)"
    (include "spark-jobs.label.runId" .) "$(MLB_RUN_ID)" | toJson | quote }}
{{- end }}
{{- with include "spark-jobs.s3Credentials" .context }}
{{ . }}
{{- end }}
{{- with include "spark-jobs.lineage.env" .context | trim }}
{{ . }}
{{- end }}
{{- end }}

{{- define "spark-jobs.driver.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
- name: work
  mountPath: /work
- name: spark-defaults
  mountPath: /etc/mlb/spark
  readOnly: true
{{- if .Values.executors.enabled }}
- name: executor-pod
  mountPath: /etc/mlb/executor
  readOnly: true
{{- end }}
{{- if eq .Values.lineage.transport "file" }}
- name: lineage
  mountPath: {{ include "spark-jobs.lineage.folder" . }}
{{- end }}
{{- range include "spark-jobs.driver.secrets" . | fromYamlArray }}
- name: {{ .name }}
  mountPath: /etc/mlb/secrets/{{ .name }}
  readOnly: true
{{- end }}
{{- end }}

{{- define "spark-jobs.driver.volumes" -}}
- name: tmp
  emptyDir: {}
- name: work
  emptyDir:
    sizeLimit: {{ .Values.driver.workSizeLimit }}
- name: spark-defaults
  configMap:
    name: {{ include "spark-jobs.driver.sparkDefaultsName" . }}
{{- if .Values.executors.enabled }}
- name: executor-pod
  configMap:
    name: {{ include "spark-jobs.executor.podTemplateName" . }}
{{- end }}
{{- if eq .Values.lineage.transport "file" }}
- name: lineage
  {{- toYaml .Values.lineage.file.volume | nindent 2 }}
{{- end }}
{{- range include "spark-jobs.driver.secrets" . | fromYamlArray }}
- name: {{ .name }}
  secret:
    secretName: {{ .secretName }}
    # A pod without it would never start, and never say why: the job starts, and does.
    optional: true
    items:
      - key: {{ .key }}
        path: key
{{- end }}
{{- end }}

{{/* The secrets that are files: the name of the folder, the Secret and its key. */}}
{{- define "spark-jobs.driver.secrets" -}}
{{- $secrets := list }}
{{- range $name, $setting := dict "pseudonym-key" "pseudonymKey" "erasure-key" "erasureKey" }}
{{- $secret := index $.Values.secrets $setting }}
{{- if $secret.secretName }}
{{- $secrets = append $secrets (dict "name" $name "secretName" $secret.secretName "key" $secret.key) }}
{{- end }}
{{- end }}
{{- toYaml $secrets }}
{{- end }}

{{/* The settings that the chart's values make; `settings` adds others. */}}
{{- define "spark-jobs.driver.settings" -}}
HOME: /tmp
SPARK_LOCAL_DIRS: /work/local
PYSPARK_SUBMIT_ARGS: --properties-file /etc/mlb/spark/spark-defaults.conf pyspark-shell
MLB_LAKE: {{ .Values.lake | quote }}
MLB_LANDING: {{ .Values.landing | quote }}
MLB_LOG_FORMAT: json
MLB_TERMINATION_LOG: /dev/termination-log
{{- with .Values.s3 }}
{{- if .endpoint }}
MLB_S3_ENDPOINT: {{ .endpoint | quote }}
{{- end }}
{{- if .region }}
MLB_S3_REGION: {{ .region | quote }}
{{- end }}
{{- if not (kindIs "invalid" .pathStyle) }}
MLB_S3_PATH_STYLE: {{ .pathStyle | quote }}
{{- end }}
{{- end }}
{{- range include "spark-jobs.driver.secrets" . | fromYamlArray }}
MLB_{{ .name | replace "-" "_" | upper }}_FILE: /etc/mlb/secrets/{{ .name }}/key
{{- end }}
{{- with .Values.spark.eventLog.dir }}
MLB_EVENT_LOG: {{ . | quote }}
{{- end }}
{{- with include "spark-jobs.lineage.settings" . | trim }}
{{ . }}
{{- end }}
{{- if .Values.executors.enabled }}
MLB_MASTER: k8s://https://kubernetes.default.svc
{{ include "spark-jobs.executor.settings" . }}
{{- else }}
MLB_MASTER: local[*]
{{- end }}
{{- end }}
