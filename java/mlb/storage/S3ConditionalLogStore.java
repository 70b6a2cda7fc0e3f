package mlb.storage;

import io.delta.storage.HadoopFileSystemLogStore;
import java.io.BufferedInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.s3a.RemoteFileChangedException;
import software.amazon.awssdk.awscore.exception.AwsServiceException;

/**
 * Commits Delta tables on S3 put-if-absent, so that of two drivers that write the same version one is told.
 *
 * <p>The server decides: each commit is a PUT (or the completion of a multipart upload) with the header
 * {@code If-None-Match: *}, which S3A sends for {@code fs.option.create.conditional.overwrite}. Delta's own
 * store for S3 asks first and puts then, under a lock of its own process, and loses commits between two.
 *
 * <p>An answer can get lost after the server has done what was asked. Whatever else than success comes back,
 * the file is therefore read and compared with what was to be written: equal content is this writer's own
 * commit (Delta puts a UUID, {@code txnId}, into each), other content is another's. To be able to compare,
 * and to upload again, the actions are held in memory until they are committed.
 *
 * <p>A server that ignores the header would lose commits without a word. The first write of a process to a
 * bucket therefore proves that it does not, with a file of its own ({@link #PROOF}) beside the table.
 */
public final class S3ConditionalLogStore extends HadoopFileSystemLogStore {
  /** Lies beside the tables for good: a conditional PUT to it must be refused. */
  public static final String PROOF = ".put-if-absent";

  private static final String IF_ABSENT = "fs.option.create.conditional.overwrite";
  private static final int MOST_UPLOADS = 5;
  private static final Set<URI> PROVEN = ConcurrentHashMap.newKeySet();

  public S3ConditionalLogStore(Configuration hadoopConf) {
    super(hadoopConf);
  }

  /**
   * Writes a file whole: readers see all of it or none.
   *
   * @throws FileAlreadyExistsException where {@code overwrite} is false and another has written the file
   * @throws IOException where nothing was written, or where nobody can know whether it was; both say so
   */
  @Override
  public void write(Path path, Iterator<String> actions, Boolean overwrite, Configuration hadoopConf)
      throws IOException {
    FileSystem store = path.getFileSystem(hadoopConf);
    List<byte[]> lines = encode(actions);
    if (overwrite) {
      send(store, path, lines, false).close();
    } else {
      prove(store, path);
      putIfAbsent(store, path, lines);
    }
  }

  /** One PUT makes the whole file visible. */
  @Override
  public Boolean isPartialWriteVisible(Path path, Configuration hadoopConf) {
    return false;
  }

  private static void putIfAbsent(FileSystem store, Path path, List<byte[]> lines) throws IOException {
    for (int uploads = 1; ; uploads++) {
      FSDataOutputStream sent = send(store, path, lines, true);
      try {
        sent.close();
        return;
      } catch (IOException failure) {
        if (isInterruption(failure)) {
          throw unknown(path, failure);
        }
        switch (present(store, path, lines, failure)) {
          case OURS:
            return;
          case ANOTHERS:
            throw (IOException) new FileAlreadyExistsException(path.toString()).initCause(failure);
          default:
            // Refused because of a write or delete at the same time, which has come to nothing since.
            if (!isRefusal(failure) || uploads == MOST_UPLOADS) {
              throw unknown(path, failure);
            }
        }
      }
    }
  }

  private enum Present {
    OURS,
    ANOTHERS,
    NOTHING
  }

  private static Present present(FileSystem store, Path path, List<byte[]> lines, IOException failure)
      throws IOException {
    try (InputStream stored = new BufferedInputStream(store.open(path), 1 << 16)) {
      for (byte[] line : lines) {
        if (!Arrays.equals(line, stored.readNBytes(line.length))) {
          return Present.ANOTHERS;
        }
      }
      return stored.read() < 0 ? Present.OURS : Present.ANOTHERS;
    } catch (FileNotFoundException nothing) {
      return Present.NOTHING;
    } catch (IOException unreadable) {
      failure.addSuppressed(unreadable);
      throw unknown(path, failure);
    }
  }

  /** Whether the server has said, with 412 or 409, that it did not write. */
  private static boolean isRefusal(IOException failure) {
    return failure instanceof RemoteFileChangedException
        || failure.getCause() instanceof AwsServiceException service && service.statusCode() == 409;
  }

  /** Whether this thread was told to stop; a time-out of the network is of the same type. */
  private static boolean isInterruption(IOException failure) {
    return failure instanceof InterruptedIOException && !(failure instanceof SocketTimeoutException);
  }

  private static IOException unknown(Path path, IOException failure) {
    return new IOException(
        "Whether " + path + " was written is not known: the store failed (" + failure.getMessage()
            + "). Run the job again; it finds out, and commits nothing twice.",
        failure);
  }

  /** Sends the lines; nothing is visible until the stream is closed. */
  private static FSDataOutputStream send(FileSystem store, Path path, List<byte[]> lines, boolean ifAbsent)
      throws IOException {
    var builder = store.createFile(path).recursive().overwrite(true);
    if (ifAbsent) {
      builder.must(IF_ABSENT, true);
    }
    FSDataOutputStream stream = builder.build();
    try {
      for (byte[] line : lines) {
        stream.write(line);
      }
      return stream;
    } catch (IOException | RuntimeException failure) {
      // Closing would publish the part that has been sent.
      stream.abort();
      throw failure;
    }
  }

  private static List<byte[]> encode(Iterator<String> actions) {
    List<byte[]> lines = new ArrayList<>();
    actions.forEachRemaining(action -> lines.add((action + "\n").getBytes(StandardCharsets.UTF_8)));
    return lines;
  }

  private static void prove(FileSystem store, Path path) throws IOException {
    URI bucket = store.getUri();
    if (PROVEN.contains(bucket)) {
      return;
    }
    Path proof = new Path(besideTable(path), PROOF);
    // The first time there is nothing to be refused for; the second time there must be.
    if (!isRefused(store, proof) && !isRefused(store, proof)) {
      throw new IOException(
          bucket + " ignores If-None-Match, so that two jobs could overwrite each other's commits: "
              + "nothing was written. Use a store that implements conditional writes, as Amazon S3 does.");
    }
    PROVEN.add(bucket);
  }

  /** The folder that holds the table: inside it the proof would keep Delta from creating the table. */
  private static Path besideTable(Path path) {
    for (Path folder = path.getParent(); folder != null; folder = folder.getParent()) {
      if (folder.getName().equals("_delta_log") && !folder.getParent().isRoot()) {
        return folder.getParent().getParent();
      }
    }
    return path.getParent();
  }

  private static boolean isRefused(FileSystem store, Path proof) throws IOException {
    try {
      send(store, proof, encode(List.of("A conditional PUT to this is refused.").iterator()), true).close();
      return false;
    } catch (IOException failure) {
      if (isRefusal(failure)) {
        return true;
      }
      throw failure;
    }
  }
}
