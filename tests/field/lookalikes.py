"""Manifests as Helm, Kustomize and operators print them, written for these tests: the same ones in every run.

They have what such output has and hand-written examples lack: comments with sources, anchors, empty documents, null and
empty fields, quoted numbers, lists, hooks, tests, custom resources and their definitions.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Printed", "printed"]

Printed = tuple[str, str, int]
"""The name of an application, its YAML, and the number of its objects."""


def printed(count: int) -> Iterator[Printed]:
    """Yield applications, Helm's, Kustomize's and operators' in turn."""
    for number in range(count):
        makers = (_helm, _kustomize, _operator)
        yield makers[number % len(makers)](number)


def _helm(n: int) -> Printed:
    name = f"shop-{n}"
    return (
        name,
        f"""
---
# Source: shop/templates/serviceaccount.yaml
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  labels:
    helm.sh/chart: shop-1.{n}.0
    app.kubernetes.io/name: shop
    app.kubernetes.io/instance: {name}
    app.kubernetes.io/version: "1.{n}"
    app.kubernetes.io/managed-by: Helm
automountServiceAccountToken: true
---
# Source: shop/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata: {{name: {name}, labels: {{app.kubernetes.io/instance: {name}}}}}
type: Opaque
data:
  password: "czNjcjN0"
stringData: null
---
# Source: shop/templates/configmap.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
data:
  PORT: "8080"
  RATIO: "0.5"
  FLAG: "true"
  app.conf: |
    # not a document
    key = value
    --- not a separator
---
# Source: shop/templates/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: {name}
  annotations: {{}}
spec:
  type: ClusterIP
  ports:
    - {{port: 80, targetPort: http, protocol: TCP, name: http}}
  selector: {{app.kubernetes.io/instance: {name}}}
---
# Source: shop/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace:
  labels: &own
    app.kubernetes.io/instance: {name}
spec:
  replicas: {1 + n % 3}
  revisionHistoryLimit: 10
  selector:
    matchLabels: *own
  template:
    metadata:
      annotations:
        checksum/config: "{n:064d}"
        prometheus.io/port: "8080"
      labels: *own
    spec:
      serviceAccountName: {name}
      securityContext: {{}}
      imagePullSecrets:
      initContainers: []
      containers:
        - name: shop
          image: "registry.example.com/shop:1.{n}"
          imagePullPolicy: IfNotPresent
          ports: [{{name: http, containerPort: 8080, protocol: TCP}}]
          env:
            - {{name: WORKERS, value: "{n}"}}
            - {{name: TOKEN, valueFrom: {{secretKeyRef: {{name: {name}, key: password}}}}}}
          envFrom: [{{configMapRef: {{name: {name}}}}}]
          livenessProbe: {{httpGet: {{path: /, port: http}}}}
          readinessProbe: {{httpGet: {{path: /, port: http}}, initialDelaySeconds: 1}}
          resources:
            limits: {{cpu: 500m, memory: 128Mi}}
            requests: {{cpu: {50 + 50 * (n % 4)}m, memory: 64Mi}}
          volumeMounts:
      nodeSelector:
      affinity: {{}}
      tolerations: []
---
# Source: shop/templates/hpa.yaml
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: {name}}}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}
  minReplicas: {1 + n % 2}
  maxReplicas: 10
  metrics:
    - type: Resource
      resource: {{name: cpu, target: {{type: Utilization, averageUtilization: 80}}}}
---
# Source: shop/templates/ingress.yaml
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}}}
spec:
  ingressClassName: nginx
  rules:
    - host: {name}.example.com
      http:
        paths:
          - {{path: /, pathType: Prefix, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}
---
# Source: shop/templates/pdb.yaml
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: {name}}}
spec:
  maxUnavailable: 1
  selector: {{matchLabels: {{app.kubernetes.io/instance: {name}}}}}
---
# Source: shop/templates/extra.yaml
---
# Source: shop/templates/migrate.yaml
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}-migrate
  annotations:
    "helm.sh/hook": pre-upgrade,pre-install
    "helm.sh/hook-weight": "-5"
    "helm.sh/hook-delete-policy": before-hook-creation
spec:
  backoffLimit: 3
  template:
    metadata: {{labels: {{job: migrate}}}}
    spec:
      restartPolicy: Never
      containers:
        - name: migrate
          image: registry.example.com/shop:1.{n}
          command: ["/bin/sh", "-c"]
          args:
            - >-
              migrate
              --all
---
# Source: shop/templates/tests/test-connection.yaml
apiVersion: v1
kind: Pod
metadata:
  name: "{name}-test-connection"
  annotations: {{"helm.sh/hook": test}}
spec:
  containers:
    - {{name: wget, image: busybox, command: [wget], args: ["{name}:80"]}}
  restartPolicy: Never
""",
        10,
    )


def _kustomize(n: int) -> Printed:
    name = f"team{n}-api"
    suffix = f"{n * 7919 % 99991:05d}bk"
    return (
        name,
        f"""
apiVersion: v1
kind: List
items:
- apiVersion: v1
  data:
    LEVEL: info
  kind: ConfigMap
  metadata:
    labels: {{team: t{n}}}
    name: {name}-config-{suffix}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    name: {name}-cache
  spec:
    accessModes:
    - ReadWriteOnce
    resources:
      requests:
        storage: 1Gi
    storageClassName: standard
- apiVersion: v1
  kind: Service
  metadata:
    creationTimestamp: null
    name: {name}
  spec:
    clusterIP: None
    ports:
    - port: 5432
    selector:
      app: {name}
  status:
    loadBalancer: {{}}
- apiVersion: apps/v1
  kind: StatefulSet
  metadata:
    creationTimestamp: null
    name: {name}
  spec:
    podManagementPolicy: Parallel
    replicas: {1 + n % 2}
    selector:
      matchLabels:
        app: {name}
    serviceName: {name}
    template:
      metadata:
        creationTimestamp: null
        labels:
          app: {name}
      spec:
        containers:
        - image: postgres:1{n % 10}
          name: db
          resources:
            requests:
              cpu: "0.1"
              memory: 1e8
          volumeMounts:
          - mountPath: /data
            name: data
        topologySpreadConstraints:
        - labelSelector:
            matchLabels:
              app: {name}
          maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
    volumeClaimTemplates:
    - metadata:
        creationTimestamp: null
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        resources: {{requests: {{storage: 1Gi}}}}
        storageClassName: standard
      status: {{}}
- apiVersion: batch/v1
  kind: CronJob
  metadata:
    name: {name}-backup
  spec:
    jobTemplate:
      spec:
        template:
          spec:
            containers:
            - image: backup
              name: backup
            restartPolicy: OnFailure
    schedule: '{n % 60} 3 * * *'
- apiVersion: networking.k8s.io/v1
  kind: NetworkPolicy
  metadata:
    name: {name}
  spec:
    podSelector: {{}}
    policyTypes: [Ingress]
""",
        6,
    )


def _operator(n: int) -> Printed:
    name = f"operator-{n}"
    group = f"widgets{n}.example.com"
    return (
        name,
        f"""
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations: {{controller-gen.kubebuilder.io/version: v0.16.1}}
  name: widgets.{group}
spec:
  group: {group}
  names: {{kind: Widget, listKind: WidgetList, plural: widgets, singular: widget}}
  scope: Namespaced
  versions:
  - name: v1
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
    served: true
    storage: true
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {name}}}
rules:
- apiGroups: [{group}]
  resources: ["*"]
  verbs: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name}}}
subjects:
- {{kind: ServiceAccount, name: {name}, namespace: default}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {name}}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: {{control-plane: controller-manager}}
spec:
  selector: {{matchLabels: {{control-plane: {name}}}}}
  replicas: 1
  template:
    metadata:
      annotations: {{kubectl.kubernetes.io/default-container: manager}}
      labels: {{control-plane: {name}}}
    spec:
      securityContext: {{runAsNonRoot: true}}
      containers:
      - command: [/manager]
        args: [--leader-elect]
        image: controller:latest
        name: manager
        resources:
          limits: {{cpu: 500m, memory: 128Mi}}
          requests: {{cpu: 10m, memory: 64Mi}}
      serviceAccountName: {name}
      terminationGracePeriodSeconds: 10
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: {name}-agent}}
spec:
  selector: {{matchLabels: {{app: {name}-agent}}}}
  template:
    metadata: {{labels: {{app: {name}-agent}}}}
    spec:
      hostPID: true
      tolerations: [{{operator: Exists}}]
      containers:
      - {{name: agent, image: agent, resources: {{requests: {{cpu: 5m}}}}}}
---
apiVersion: monitoring.example.com/v1
kind: ServiceMonitor
metadata: {{name: {name}}}
spec: {{endpoints: [{{port: https}}]}}
---
apiVersion: {group}/v1
kind: Widget
metadata: {{name: sample}}
spec: {{size: 3, enabled: "yes", on: 1, nested: {{list: [1, two, null]}}}}
""",
        8,
    )
