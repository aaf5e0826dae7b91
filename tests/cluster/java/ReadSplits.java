import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.util.Arrays;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.mapred.Counters;
import org.apache.hadoop.mapred.FileInputFormat;
import org.apache.hadoop.mapred.InputFormat;
import org.apache.hadoop.mapred.InputSplit;
import org.apache.hadoop.mapred.JobConf;
import org.apache.hadoop.mapred.RecordReader;
import org.apache.hadoop.mapred.Reporter;
import org.apache.hadoop.util.ReflectionUtils;

/**
 * Reads files as tasks would, without a cluster. A line of standard input has: how many splits Hadoop is to
 * make, their least size, whether files are read whole, and a directory. Its files' frames go to DIRECTORY.0,
 * DIRECTORY.1 and so on, a file a task; the answer is the number of tasks, and the count of lines, or an error.
 */
public final class ReadSplits {
  public static void main(String[] none) throws Exception {
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = requests.readLine()) != null; ) {
      String answer;
      try {
        answer = read(line.split(" "));
      } catch (Exception error) {
        answer = "error " + error.getMessage();
      }
      System.out.println(answer.replace('\n', ' '));
    }
  }

  private static String read(String[] words) throws Exception {
    JobConf job = new JobConf();
    job.set("fs.defaultFS", "file:///");
    job.setInt("mapreduce.input.fileinputformat.split.minsize", Integer.parseInt(words[1]));
    job.setBoolean("modelmapreducejob.whole.files", Boolean.parseBoolean(words[2]));
    FileInputFormat.setInputPaths(job, new Path(words[3]));
    Class<?> format = Class.forName("modelmapreducejob.BlockInputFormat");
    @SuppressWarnings("unchecked")
    InputFormat<Text, BytesWritable> input =
        (InputFormat<Text, BytesWritable>) ReflectionUtils.newInstance(format, job);
    InputSplit[] splits = input.getSplits(job, Integer.parseInt(words[0]));
    Counting reporter = new Counting();
    for (int task = 0; task < splits.length; task++) {
      try (DataOutputStream out = new DataOutputStream(
          new BufferedOutputStream(new FileOutputStream(words[3] + "." + task)))) {
        write(input.getRecordReader(splits[task], job, reporter), out);
      }
    }
    return splits.length + " " + reporter.counters.getGroup("blocks").getCounter("input lines");
  }

  private static void write(RecordReader<Text, BytesWritable> reader, DataOutputStream out) throws Exception {
    Text place = reader.createKey();
    BytesWritable block = reader.createValue();
    byte[] last = new byte[0];
    try {
      while (reader.next(place, block)) {
        if (!Arrays.equals(last, place.copyBytes())) {
          last = place.copyBytes();
          frame(out, 'P', last, last.length);
        }
        frame(out, 'B', block.getBytes(), block.getLength());
      }
    } finally {
      reader.close();
    }
  }

  private static void frame(DataOutputStream out, char kind, byte[] bytes, int length) throws Exception {
    out.writeByte(kind);
    out.writeInt(length);
    out.write(bytes, 0, length);
  }

  /** Counts as a task does. */
  private static final class Counting implements Reporter {
    final Counters counters = new Counters();

    @Override public void setStatus(String status) {}
    @Override public Counters.Counter getCounter(Enum<?> name) { return counters.findCounter(name); }
    @Override public Counters.Counter getCounter(String group, String name) {
      return counters.findCounter(group, name);
    }
    @Override public void incrCounter(Enum<?> key, long amount) { counters.incrCounter(key, amount); }
    @Override public void incrCounter(String group, String name, long amount) {
      counters.incrCounter(group, name, amount);
    }
    @Override public InputSplit getInputSplit() { return null; }
    @Override public float getProgress() { return 0; }
    @Override public void progress() {}
  }
}
