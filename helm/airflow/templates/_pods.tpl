{{/* What the pods of this chart have in common. Arguments as in _helpers.tpl: context, component, values. */}}

{{/* Pod Security "restricted", and where a component's pods go. */}}
{{- define "airflow.pod.place" -}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .context.Values.podSecurity.user }}
  runAsGroup: {{ .context.Values.podSecurity.user }}
  fsGroup: {{ .context.Values.podSecurity.user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .context.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .context.Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if gt (int (.values.replicas | default 1)) 1 }}
# Not all of them in one zone or on one node, where that can be.
topologySpreadConstraints:
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "airflow.component.selectorLabels" $ | nindent 8 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "airflow.container.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Annotations of a component's pods: a changed configuration starts them anew. */}}
{{- define "airflow.pod.annotations" -}}
checksum/settings: {{ include "airflow.settings" .context | sha256sum }}
{{- with .values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A container of Airflow's image, but for name, arguments and probes; `keys` lists which of the shared keys it gets. */}}
{{- define "airflow.container" -}}
image: {{ include "airflow.image" (dict "context" .context "image" .context.Values.image) }}
imagePullPolicy: {{ .context.Values.image.pullPolicy }}
terminationMessagePolicy: FallbackToLogsOnError
securityContext:
  {{- include "airflow.container.securityContext" . | nindent 2 }}
envFrom:
  - configMapRef:
      name: {{ include "airflow.settings.name" .context }}
env:
  {{- include "airflow.container.env" . | nindent 2 }}
resources:
  {{- toYaml (.resources | default .values.resources) | nindent 2 }}
volumeMounts:
  - name: home
    mountPath: /var/lib/airflow
  - name: tmp
    mountPath: /tmp
  {{- if and (eq .context.Values.lineage.transport "file") (include "airflow.lineage.isSentBy" (merge (dict "component" (default "" .component)) .)) }}
  - name: lineage
    mountPath: /var/lineage
  {{- end }}
  {{- if .context.Values.database.caSecretName }}
  - name: database-ca
    mountPath: /etc/airflow/database
    readOnly: true
  {{- end }}
{{- end }}

{{- define "airflow.container.env" -}}
{{- if and .context.Values.ingress.enabled (eq (default "" .component) "api-server") }}
# What X-Forwarded-… headers say is believed, from whoever the NetworkPolicy lets in.
- name: FORWARDED_ALLOW_IPS
  value: "*"
{{- end }}
{{- $database := include "airflow.database" .context | fromYaml }}
{{- $secrets := dict "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" (dict "name" $database.secretName "key" $database.key) }}
{{- $keys := dict
  "fernet-key" "AIRFLOW__CORE__FERNET_KEY"
  "api-secret-key" "AIRFLOW__API__SECRET_KEY"
  "jwt-secret" "AIRFLOW__API_AUTH__JWT_SECRET" }}
{{- range .keys }}
{{- $_ := set $secrets (index $keys .) (dict "name" (include "airflow.keys.secretName" $.context) "key" .) }}
{{- end }}
{{- if .keys }}
{{- range include "airflow.connections" .context | fromYamlArray }}
{{- $_ := set $secrets (printf "AIRFLOW_CONN_%s" (upper .id)) (dict "name" .secretName "key" .key) }}
{{- end }}
{{- end }}
{{- range $name, $secret := $secrets }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name }}
      key: {{ $secret.key }}
{{- end }}
{{- if include "airflow.lineage.isSentBy" (merge (dict "component" (default "" .component)) .) }}
{{- include "airflow.lineage.env" . }}
{{- end }}
{{- end }}

{{/* Waits until the database is what this image expects. */}}
{{- define "airflow.container.waitForMigrations" -}}
- name: wait-for-migrations
  args: [db, check-migrations, --migration-wait-timeout, {{ .context.Values.setUp.migrationTimeoutSeconds | quote }}]
  {{- include "airflow.container" (dict "context" .context "values" .context.Values.setUp) | nindent 2 }}
{{- end }}

{{- define "airflow.pod.volumes" -}}
- name: home
  emptyDir: {}
- name: tmp
  emptyDir: {}
{{- if and (eq .context.Values.lineage.transport "file") (include "airflow.lineage.isSentBy" (merge (dict "component" (default "" .component)) .)) }}
- name: lineage
  {{- toYaml .context.Values.lineage.file.volume | nindent 2 }}
{{- end }}
{{- with .context.Values.database }}
{{- if .caSecretName }}
- name: database-ca
  secret:
    secretName: {{ .caSecretName }}
    items:
      - key: {{ .caKey }}
        path: ca.pem
{{- end }}
{{- end }}
{{- end }}

{{/* A probe that asks the database whether this pod's process has given a sign of life: `job` is its type. Starting Airflow takes
seconds of a processor, so it asks seldom. */}}
{{- define "airflow.container.jobProbe" -}}
livenessProbe:
  exec:
    command: [airflow, jobs, check, --job-type, {{ .job }}, --local]
  initialDelaySeconds: 90
  periodSeconds: 120
  timeoutSeconds: 60
  failureThreshold: 3
{{- end }}

{{/* The objects beside a component's Deployment that are the same for all. */}}
{{- define "airflow.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "airflow.component.metadata" (merge (dict "name" (include "airflow.component.serviceAccountName" .)) .) | nindent 2 }}
  {{- with .values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}

{{- define "airflow.podDisruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "airflow.component.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ .values.podDisruptionBudget.maxUnavailable }}
  # A pod that is not ready protects nothing: a drain need not wait for it.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "airflow.component.selectorLabels" . | nindent 6 }}
{{- end }}
