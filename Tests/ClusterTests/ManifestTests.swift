import Foundation
import Testing
import Yams

/// Launch/mpijob.yaml and what it relies on. No cluster here runs it: this checks the fields against the operator's types.
@Suite struct ManifestTests {
    private static func dictionary(_ value: Any?) throws -> [String: Any] { try #require(value as? [String: Any]) }

    private func manifest() throws -> [String: Any] {
        let text = try String(contentsOf: Place.project.appending(path: "Launch/mpijob.yaml"), encoding: .utf8)
        return try Self.dictionary(Yams.load(yaml: text))
    }

    /// The pod of a replica type.
    private func pod(_ replicas: [String: Any], _ type: String) throws -> (count: Int, spec: [String: Any]) {
        let replica = try Self.dictionary(replicas[type])
        #expect(["Never", "OnFailure"].contains(try #require(replica["restartPolicy"] as? String)))
        let template = try Self.dictionary(replica["template"])
        return (try #require(replica["replicas"] as? Int), try Self.dictionary(template["spec"]))
    }

    @Test func theManifestHasTheOperatorsFields() throws {
        let manifest = try manifest()
        #expect(manifest["apiVersion"] as? String == "kubeflow.org/v2beta1" && manifest["kind"] as? String == "MPIJob")
        let spec = try Self.dictionary(manifest["spec"])
        let known: Set = [
            "slotsPerWorker", "runPolicy", "mpiReplicaSpecs", "sshAuthMountPath", "launcherCreationPolicy",
            "mpiImplementation",
        ]
        #expect(Set(spec.keys).isSubset(of: known))
        #expect(spec["mpiImplementation"] as? String == "OpenMPI")
        #expect(["AtStartup", "WaitForWorkersReady"].contains(spec["launcherCreationPolicy"] as? String))
        let policy = try Self.dictionary(spec["runPolicy"])
        #expect(
            Set(policy.keys).isSubset(of: [
                "cleanPodPolicy", "ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit", "suspend",
                "schedulingPolicy",
            ]))
        #expect(["Running", "All", "None"].contains(policy["cleanPodPolicy"] as? String))
        #expect(Set(try Self.dictionary(spec["mpiReplicaSpecs"]).keys) == ["Launcher", "Worker"])
    }

    @Test func theLauncherStopsWithACheckpointAndSeesTheHeartbeat() throws {
        let replicas = try Self.dictionary(Self.dictionary(manifest()["spec"])["mpiReplicaSpecs"])
        let (launcherCount, launcher) = try pod(replicas, "Launcher")
        let (workerCount, worker) = try pod(replicas, "Worker")
        #expect(launcherCount == 1 && workerCount >= 1)
        // SIGTERM goes to the first process, which must be the launcher; there must be time for a checkpoint.
        let container = try Self.dictionary((launcher["containers"] as? [Any])?.first)
        #expect(container["command"] as? [String] == ["/opt/infodisent/Launch/run"])
        let grace = try #require(launcher["terminationGracePeriodSeconds"] as? Int)
        #expect(grace >= 60)
        let arguments = try #require(container["args"] as? [String])
        let window = try #require(arguments.firstIndex(of: "--stop-within").flatMap { Int(arguments[$0 + 1]) })
        #expect(window < grace, "what is said to be there for a checkpoint is there")
        let workerContainer = try Self.dictionary((worker["containers"] as? [Any])?.first)
        #expect(workerContainer["image"] as? String == container["image"] as? String)
        // The heartbeat file is in the working directory, on a volume that both have.
        #expect(container["workingDir"] as? String == workerContainer["workingDir"] as? String)
        for (pod, container) in [(launcher, container), (worker, workerContainer)] {
            let mounts = try #require(container["volumeMounts"] as? [[String: String]])
            let mount = try #require(mounts.first { $0["mountPath"] == container["workingDir"] as? String })
            let volumes = try #require(pod["volumes"] as? [[String: Any]])
            #expect(volumes.contains { $0["name"] as? String == mount["name"] && $0["persistentVolumeClaim"] != nil })
        }
    }

    @Test func theManifestFitsTheContainer() throws {
        let recipe = try String(contentsOf: Place.project.appending(path: "Launch/Containerfile"), encoding: .utf8)
        let spec = try Self.dictionary(manifest()["spec"])
        let home = try #require(spec["sshAuthMountPath"] as? String).replacing("/.ssh", with: "")
        #expect(recipe.contains("useradd --create-home --uid 1000 \((home as NSString).lastPathComponent)"))
        #expect(recipe.contains("\(home)/.sshd_config") && recipe.contains("HostKey \(home)/.ssh/id_rsa"))
        #expect(recipe.contains("COPY Launch/run /opt/infodisent/Launch/run"))
        // Everything the recipe copies from here is here.
        for line in recipe.split(separator: "\n") where line.hasPrefix("COPY ") && !line.contains("--from") {
            for name in line.split(separator: " ").dropFirst().dropLast() where !name.hasSuffix("*") {
                #expect(
                    FileManager.default.fileExists(atPath: Place.project.appending(path: String(name)).path), "\(name)")
            }
        }
    }
}
